import type { CommandModule } from './lazy-command.ts';

/** A command of `weft`, before its module is loaded. */
export interface CommandEntry {
  readonly name: string;
  /** What it does, in the list of `weft --help`. */
  readonly about: string;
  readonly isHidden?: boolean;
  readonly load: () => Promise<CommandModule>;
}

/** Every command of `weft`, in the order of `weft --help`. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'init',
    about: 'make a new service in an empty folder: contract, code, weft.yaml and a test',
    load: () => import('./init.ts'),
  },
  {
    name: 'up',
    about: 'start the mesh of weft.yaml and keep it running until Ctrl-C or weft down',
    load: () => import('./up.ts'),
  },
  {
    name: 'status',
    about: 'show every service: instances, running, port, health, uptime',
    load: () => import('./status.ts'),
  },
  {
    name: 'scale',
    about: 'set how many instances a service has (0 to 100); waits until it is so',
    load: () => import('./scale.ts'),
  },
  {
    name: 'restart',
    about: 'replace instances one at a time, the new one first, so that no call fails',
    load: () => import('./restart.ts'),
  },
  {
    name: 'logs',
    about: 'show what services wrote, by time; works after the mesh has stopped too',
    load: () => import('./logs.ts'),
  },
  {
    name: 'down',
    about: 'stop the mesh in reverse order; waits until nothing of it runs',
    load: () => import('./down.ts'),
  },
  {
    name: 'services',
    about: 'list the services that are registered, and their traffic',
    load: () => import('./services.ts'),
  },
  {
    name: 'instances',
    about: 'list the instances that are registered',
    load: () => import('./instances.ts'),
  },
  {
    name: 'ps',
    about: 'list what runs: the processes of the mesh that is up here, and what is registered',
    load: () => import('./ps.ts'),
  },
  {
    name: 'top',
    about: 'show services and instances by traffic, live at a terminal',
    load: () => import('./top.ts'),
  },
  {
    name: 'graph',
    about: 'show who calls whom: as declared, and as seen in the last seconds',
    load: () => import('./graph.ts'),
  },
  {
    name: 'watch',
    about: 'show the instances, then what becomes of them as it happens',
    load: () => import('./watch.ts'),
  },
  {
    name: 'events',
    about: 'show what happened to instances, breakers and drains',
    load: () => import('./events.ts'),
  },
  {
    name: 'breakers',
    about: 'list the circuit breakers that are not closed, or have clients open or close them',
    load: () => import('./breakers.ts'),
  },
  {
    name: 'drain',
    about: 'take an instance, or all of a service, out of the calls; waits until it is so',
    load: () => import('./drain.ts'),
  },
  {
    name: 'call',
    about: 'call a method by name through the mesh; prints the response as JSON',
    load: () => import('./call.ts'),
  },
  {
    name: 'run',
    about: 'run a program in any language as an instance: registered, checked and drained',
    load: () => import('./run.ts'),
  },
  {
    name: 'demo',
    about: 'run the mesh on free ports, buy something, show what happened, stop',
    load: () => import('./demo.ts'),
  },
  { name: 'etcd', about: 'an etcd of your own, for development', load: () => import('./etcd.ts') },
  { name: 'registry', about: 'move what is registered', load: () => import('./registry.ts') },
  {
    name: 'verify',
    about: 'derive the architecture (services, interfaces, stores ...), check its rules',
    load: () => import('./verify.ts'),
  },
  {
    name: 'doctor',
    about: 'look for common faults, and say what to do about each; changes nothing',
    load: () => import('./doctor.ts'),
  },
  {
    name: 'completion',
    about: 'print what makes a shell complete commands, services, instances and methods',
    load: () => import('./completion.ts'),
  },
  {
    name: '__complete',
    about: 'what the scripts of completion ask: the words that may come next, a line each',
    isHidden: true,
    load: () => import('./complete-words.ts'),
  },
];
