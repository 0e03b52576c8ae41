import { describe, expect, test } from "vitest";
import { originRule, type AllowedOrigins } from "../../src/server/origins.ts";

function allows(
  origins: AllowedOrigins,
  origin: string,
  headers: Record<string, string> = {},
  secure = false,
) {
  return originRule(origins)(origin, { url: "/bowline", address: "::1", headers, secure });
}

describe("where pages of the same host may connect", () => {
  test.each([
    ["https://example.com", "example.com", true],
    ["http://example.com", "example.com", true],
    ["https://example.com", "example.com:443", true],
    ["https://example.com", "Example.COM:443", true],
    ["https://example.com:443", "example.com", true],
    ["http://example.com", "example.com:80", true],
    ["http://example.com:80", "EXAMPLE.com", true],
    ["HTTPS://EXAMPLE.com", "example.com", true],
    ["https://example.com", "example.com:80", false],
    ["http://example.com", "example.com:443", false],
    ["https://example.com:8443", "example.com:8443", true],
    ["https://example.com:8443", "example.com", false],
    ["https://example.com", "example.com:8443", false],
    ["http://localhost:3000", "localhost:3000", true],
    ["http://localhost:5173", "localhost:3000", false],
    ["http://localhost", "127.0.0.1", false],
    ["http://127.0.0.1:3000", "127.0.0.1:3000", true],
    ["http://[::1]:3000", "[::1]:3000", true],
    ["http://[::1]:3000", "[0:0:0:0:0:0:0:1]:3000", true],
    ["https://[2001:db8::1]", "[2001:0DB8::1]:443", true],
    ["https://[2001:db8::1]", "[2001:db8::2]", false],
    ["https://xn--bcher-kva.example", "xn--bcher-kva.example", true],
    ["https://xn--bcher-kva.example", "bücher.example", true],
    ["https://bücher.example", "XN--BCHER-KVA.example:443", true],
    ["https://example.com.", "example.com.", true],
    ["https://example.com.", "example.com", false],
    ["https://example.com", "example.com.", false],
    ["https://evil.example", "example.com", false],
    ["https://example.com.evil.example", "example.com", false],
    ["https://evilexample.com", "example.com", false],
    ["https://www.example.com", "example.com", false],
    ["https://example.com@evil.example", "example.com", false],
    ["https://evil.example/example.com", "example.com", false],
    ["https://example.com", "example.com/evil", false],
    ["https://example.com", "evil@example.com", false],
    ["https://example.com", "", false],
    ["null", "example.com", false],
    ["null", "null", false],
    ["", "example.com", false],
    ["example.com", "example.com", false],
    ["file://", "example.com", false],
    ["file://", "", false],
    ["capacitor://localhost", "localhost", false],
    ["https://a.example, https://example.com", "example.com", false],
  ])("%j to the host %j: %s", (origin, host, may) => {
    expect(allows("same", origin, { host })).toBe(may);
    expect(allows(["https://other.example", "same"], origin, { host })).toBe(may);
  });

  test.each<[string, Record<string, string>, boolean, boolean]>([
    ["http://example.com", {}, true, false],
    ["https://example.com", {}, true, true],
    ["http://example.com", { "x-forwarded-proto": "https" }, false, false],
    ["http://example.com", { "x-forwarded-proto": "HTTPS, http" }, false, false],
    ["http://example.com", { "x-forwarded-proto": "wss" }, false, false],
    ["http://example.com", { "x-forwarded-proto": "http, https" }, false, true],
    ["http://example.com", { "x-forwarded-proto": "http" }, false, true],
    ["https://example.com", { "x-forwarded-proto": "https" }, false, true],
    // What a proxy further in says of its own line takes nothing away.
    ["https://example.com", { "x-forwarded-proto": "http" }, false, true],
  ])("%j by %j, with TLS of our own: %s is allowed: %s", (origin, headers, secure, may) => {
    expect(allows("same", origin, { host: "example.com", ...headers }, secure)).toBe(may);
  });

  test("the name that HTTP/2 has for the host counts as well, and none at all refuses", () => {
    expect(allows("same", "https://example.com", { ":authority": "example.com" })).toBe(true);
    expect(allows("same", "https://example.com")).toBe(false);
  });
});

describe("of a list", () => {
  test.each([
    ["https://a.example", "https://a.example", true],
    ["https://a.example", "https://A.example:443", true],
    ["https://A.Example:443", "https://a.example", true],
    ["http://a.example:80", "http://a.example", true],
    ["https://a.example", "http://a.example", false],
    ["https://a.example", "https://a.example:8443", false],
    ["https://a.example:8443", "https://a.example:8443", true],
    ["https://a.example", "https://a.example.", false],
    ["https://a.example.", "https://a.example.", true],
    ["https://a.example", "https://a.example.evil.example", false],
    ["https://a.example", "https://b.a.example", false],
    ["https://bücher.example", "https://xn--bcher-kva.example", true],
    ["https://xn--bcher-kva.example", "https://xn--bcher-kva.example", true],
    ["http://[0:0:0:0:0:0:0:1]:3000", "http://[::1]:3000", true],
    ["http://localhost:5173", "http://localhost:5173", true],
    ["http://localhost:5173", "http://127.0.0.1:5173", false],
    ["capacitor://localhost", "capacitor://localhost", true],
    ["capacitor://localhost", "ionic://localhost", false],
    ["capacitor://localhost", "http://localhost", false],
    ["ionic://localhost", "ionic://localhost", true],
    ["tauri://localhost", "tauri://localhost", true],
    ["http://tauri.localhost", "http://tauri.localhost", true],
    ["app://obsidian.md", "app://obsidian.md", true],
    ["app://.", "app://.", true],
    ["app://-", "app://.", false],
    ["vscode-webview://1a2b3c", "vscode-webview://1a2b3c", true],
    [
      "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
      "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
      true,
    ],
    [
      "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
      "chrome-extension://bbcdefghijklmnopabcdefghijklmnop",
      false,
    ],
    [
      "moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc",
      "moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc",
      true,
    ],
    ["safari-web-extension://2C127FA4-62C7", "safari-web-extension://2c127fa4-62c7", true],
    ["file://", "file://", true],
    ["file://", "null", false],
    ["null", "null", true],
    ["null", "file://", false],
    ["null", "", false],
    ["https://a.example", "null", false],
    ["https://a.example", "not an origin", false],
  ])("%j is met by %j: %s", (entry, origin, may) => {
    expect(allows([entry], origin, { host: "server.example" })).toBe(may);
    expect(allows(["https://other.example", entry], origin, { host: "server.example" })).toBe(may);
  });

  test('that has not "same", the server\'s own host is no exception', () => {
    expect(allows(["https://a.example"], "https://own.example", { host: "own.example" })).toBe(false);
  });

  test.each<[unknown, string]>([
    ["*", 'write origins: "any"'],
    ["any", 'write origins: "any"'],
    [
      "https://*.example.com",
      'patterns are for a function: origins: (origin) => origin.startsWith("https://") && origin.endsWith(".example.com")',
    ],
    ["https://*.example.com/", 'origin.endsWith(".example.com")'],
    ["https://*", "patterns are for a function: origins: (origin) => …"],
    ["https://*example.com", "patterns are for a function: origins: (origin) => …"],
    ["http://localhost:*", "patterns are for a function: origins: (origin) => …"],
    ["chrome-extension://*", "patterns are for a function: origins: (origin) => …"],
    ["https://a.example/", 'write "https://a.example"'],
    ["https://a.example/chat", 'write "https://a.example"'],
    ["https://a.example?x", 'write "https://a.example"'],
    ["https://a.example#x", 'write "https://a.example"'],
    ["https://user:secret@a.example", 'write "https://a.example"'],
    [" https://a.example ", 'write "https://a.example"'],
    ["a.example", 'write "https://a.example"'],
    ["//a.example", 'write "https://a.example"'],
    ["A.example:8443", 'write "https://a.example:8443"'],
    ["localhost:5173", 'write "http://localhost:5173"'],
    ["wss://a.example", 'write "https://a.example"'],
    ["ws://a.example:80/bowline", 'write "http://a.example"'],
    ["capacitor://localhost/", 'write "capacitor://localhost"'],
    ["file:///", 'write "file://"'],
    ["ftp://a.example", 'write what browsers send, like "https://app.example"'],
    ["https://", "write what browsers send"],
    ["https://a.example:99999", "write what browsers send"],
    ["about:blank", "write what browsers send"],
    ["", "write what browsers send"],
    [undefined, "list strings"],
    [/a\.example/, "list strings, or give a function instead of the list"],
  ])("%j is refused, as it would never match, with what to write instead", (entry, advice) => {
    const make = (): unknown => originRule(["https://other.example", entry] as never);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(`origins: ${typeof entry === "string" ? JSON.stringify(entry) : String(entry)} is`);
    expect(make).toThrow(advice);
  });
});

describe("the option", () => {
  test.each([["https://a.example"], [/a/], [null], [true], [new Set(["https://a.example"])]])(
    "refuses %j, and says what it may be",
    (origins) => {
      expect(() => originRule(origins as never)).toThrow(
        'give "same", "any", a list like ["https://app.example"] or a function',
      );
    },
  );

  test("lets any page connect where that is said", () => {
    for (const origin of ["https://evil.example", "null", "file://", "nonsense"])
      expect(allows("any", origin)).toBe(true);
  });

  test("asks a function with what the browser sent, and with the request", () => {
    const asked: unknown[] = [];
    const rule = (origin: string, { headers }: { headers: object }): boolean => {
      asked.push(origin, headers);
      return origin.endsWith(".example.com");
    };
    expect(allows(rule, "https://a.example.com", { host: "h" })).toBe(true);
    expect(allows(rule, "https://a.example.org", { host: "h" })).toBe(false);
    expect(asked).toEqual(["https://a.example.com", { host: "h" }, "https://a.example.org", { host: "h" }]);
  });

  test.each([
    ["a promise", async () => false],
    ["a promise", async () => Promise.reject(new Error("no such tenant"))],
    ["undefined", () => undefined],
    ["1", () => 1],
  ])("takes %s of a function for no yes", async (shown, rule) => {
    expect(() => allows(rule as never, "https://a.example")).toThrow(
      `origins must return true or false at once, not ${shown}`,
    );
  });
});
