// Two proxies that keep the states of their destinations, for operations without a lab: JSON-RPC as Kamailio speaks it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';

type Target = { set: number; uri: string; flags: string };

export class Proxies {
  private servers: Server[] = [];
  private targets: Target[][] = [];
  private port = 0;

  // Of a network of their own, so that tests that run beside each other do not meet.
  private constructor(private readonly subnet: string) {}

  static async start(number: number): Promise<Proxies> {
    const proxies = new Proxies(`127.0.${number}`);
    for (const host of [11, 12]) {
      const targets = [101, 102].map((set) => ({ set, uri: `sip:203.0.113.${set}:5060`, flags: 'ap' }));
      const server = createServer((request, response) => {
        let body = '';
        request.on('data', (part: Buffer) => (body += part.toString()));
        request.on('end', () => {
          // Somebody who only looks whether anybody is there asks nothing.
          if (body === '') return void response.writeHead(404).end();
          response.setHeader('content-type', 'application/json');
          response.end(JSON.stringify(answer(targets, JSON.parse(body))));
        });
      });
      await new Promise<void>((resolve) => server.listen(proxies.port, `${proxies.subnet}.${host}`, resolve));
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('a port is expected');
      proxies.port = address.port;
      proxies.servers.push(server);
      proxies.targets.push(targets);
    }
    return proxies;
  }

  flags(set: number): string[] {
    return this.targets.flat().filter((target) => target.set === set).map((target) => target.flags);
  }

  set(set: number, flags: string): void {
    for (const target of this.targets.flat()) if (target.set === set) target.flags = flags;
  }

  writeInventory(state: string): void {
    const machine = (n: number) =>
      `[[machines]]\nname = "kamailio-0${n}"\nrole = "kamailio"\nhost = "host-01"\nnumber = 1${n}\nnetworks = ["management"]\n`;
    const carrier = (name: string, set: number) =>
      `[[carriers]]\nname = "${name}"\nset = ${set}\npriority = 1\ntrunks = ["203.0.113.${set}:5060"]\n`;
    mkdirSync(state, { recursive: true });
    writeFileSync(
      join(state, 'inventory.toml'),
      `name = "test"\n[networks.management]\nsubnet = "${this.subnet}.0/24"\nmtu = 1500\nuplink = "expected"\n` +
        `[[hosts]]\nname = "host-01"\nkind = "lab"\nmanagement = "${this.subnet}.1"\n${machine(1)}${machine(2)}` +
        `[endpoints.kamailio]\njsonrpc = { network = "management", port = ${this.port}, path = "/RPC" }\n` +
        carrier('carrier-a', 101) +
        carrier('carrier-b', 102),
    );
  }

  async stop(): Promise<void> {
    for (const server of this.servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }
}

function answer(targets: Target[], request: { method: string; params?: unknown[] }): object {
  const result = (result: unknown) => ({ jsonrpc: '2.0', result, id: request.method });
  switch (request.method) {
    case 'core.version':
      return result('kamailio 5.6.3 (x86_64/linux)');
    case 'core.uptime':
      return result({ uptime: 5 });
    case 'dispatcher.list': {
      const record = (target: Target) => ({
        SET: { ID: target.set, TARGETS: [{ DEST: { URI: target.uri, FLAGS: target.flags.toUpperCase(), PRIORITY: 0 } }] },
      });
      return result({ NRSETS: targets.length, RECORDS: targets.map(record) });
    }
    case 'dispatcher.set_state': {
      const [state, set, uri] = request.params as [string, number, string];
      // Whoever is probed answers at once.
      for (const target of targets) if (target.set === set && target.uri === uri) target.flags = state === 'ip' ? 'ap' : state;
      return result([]);
    }
    default:
      return { jsonrpc: '2.0', error: { code: 500, message: 'no' }, id: request.method };
  }
}
