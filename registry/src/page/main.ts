import { render } from 'preact';
import { html } from './html.ts';
import { Layout } from './layout.ts';
import { follow } from './live.ts';
import { followHash } from './router.ts';
import { followTheme } from './theme.ts';

followTheme();
followHash();
follow();
const app = document.getElementById('app');
if (app !== null) render(html`<${Layout} />`, app);
