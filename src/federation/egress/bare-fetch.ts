import { Dispatcher, setGlobalDispatcher } from "undici";
import { checkUrl } from "./addresses.ts";
import { asOneCall, currentCall } from "./budget.ts";
import { TIMEOUT, type Transport } from "./transport.ts";

/** Of a body that a bare `fetch` gets: previews and small media; nothing is inflated. */
const MAX_BYTES = 3_000_000;

/**
 * Puts a transport under the global `fetch`, Node's own and undici's: Fedify's alternate links and WebFinger call it bare.
 * Its requests are held to the same addresses and budgets, to 3 MB, and to ten seconds and three redirects in all;
 * across origins they carry no credentials. Upgrades (WebSocket) are refused.
 */
export function guardBareFetch(transport: Transport): void {
  setGlobalDispatcher(new GuardedDispatcher(transport));
  const native = globalThis.fetch;
  globalThis.fetch = (input, init) => asOneCall(TIMEOUT, () => native(input, init));
}

class GuardedDispatcher extends Dispatcher {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    super();
    this.#transport = transport;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const { origin } = checkUrl(`${options.origin}`);
    checkUrl(origin + options.path);
    const call = currentCall();
    if (call !== undefined) {
      call.origin ??= origin;
      call.astray ||= call.origin !== origin;
    }
    return this.#transport.send(origin, options, handler, {
      bytes: MAX_BYTES,
      timeout: call === undefined ? TIMEOUT : call.deadline - performance.now(),
      identity: !call?.astray,
      compressed: false,
      again: false,
    });
  }
}
