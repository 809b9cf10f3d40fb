import { findProgram } from './program.ts';
import { unpackDebian } from './unpack-debian.ts';

/**
 * Unpacks prometheus and promtool from Debian's package below `.cache`, for root too: installed, it
 * would start a service. Answers why that is not possible, else undefined.
 */
export async function installPrometheus(say: (text: string) => void): Promise<string | undefined> {
  if (findProgram('apt-get') === undefined) {
    return 'it is not installed, and there is no apt-get to get it with: install prometheus and promtool by hand';
  }
  say('prometheus is missing: unpacking it below .cache (20 MB) ...');
  return await unpackDebian('prometheus', ['prometheus'], ['prometheus', 'promtool']);
}
