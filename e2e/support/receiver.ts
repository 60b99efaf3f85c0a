/** Somebody who is told of alerts over a webhook, and remembers every message. */
import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

export interface Message {
  headers: IncomingHttpHeaders;
  body: { type: string; data: Record<string, unknown> };
  /** Whether it was signed with the key of this receiver, as Standard Webhooks says. */
  signed: boolean;
}

export interface Receiver {
  url: string;
  secret: string;
  messages: Message[];
  stop: () => void;
}

const KEY = Buffer.from("a key that only this journey knows!!");

export async function receiverStart(): Promise<Receiver> {
  const messages: Message[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const text = Buffer.concat(parts).toString("utf8");
      const { headers } = request;
      const content = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${text}`;
      const expected = `v1,${createHmac("sha256", KEY).update(content).digest("base64")}`;
      const signed = headers["webhook-signature"] === expected;
      messages.push({ headers, body: JSON.parse(text) as Message["body"], signed });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}/hook`, secret: `whsec_${KEY.toString("base64")}`, messages, stop };
}
