/**
 * Reads server-sent events out of a stream of text, cut anywhere.
 *
 * The browser's EventSource can only GET; the connection test is a POST, so its stream is read by
 * hand. Promises: an event is given once, when its blank line has arrived, however the network cut
 * it. Does not: reconnect, nor parse the data.
 */
export interface ServerEvent {
  event: string;
  data: string;
}

export class SseParser {
  #rest = "";
  #event = "";
  #data: string[] = [];

  /** Events that became complete with `text`. */
  feed(text: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    const whole = this.#rest + text;
    // A carriage return at the very end may be half of CR LF: wait for the other half.
    const lines = whole.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (this.#data.length > 0) {
          events.push({ event: this.#event || "message", data: this.#data.join("\n") });
        }
        this.#event = "";
        this.#data = [];
        continue;
      }
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") this.#event = value;
      if (field === "data") this.#data.push(value);
    }
    return events;
  }
}

/** The events of a response body, as they arrive. */
export async function* serverEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new SseParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.feed(decoder.decode(value, { stream: true }));
    }
  } finally {
    // A caller that stops listening also stops the test on the server.
    await reader.cancel().catch(() => {});
  }
}
