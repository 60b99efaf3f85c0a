import { expect, test } from "vitest";
import { codeParse, codeWords, instructionsIn } from "./portal";

test("a code is read as people type it, and written as it is read aloud", () => {
  expect(codeParse(" k7p2m-x4tqz ")).toBe("K7P2MX4TQZ");
  expect(codeParse("K7P2M X4TQZ")).toBe("K7P2MX4TQZ");
  expect(codeWords("K7P2MX4TQZ")).toBe("K7P2M-X4TQZ");
  for (const wrong of ["", "ABC", "O0O0O-O0O0O", "K7P2MX4TQZ2", "K7P2M/X4TQ", "K1P2MX4TQZ", "KIP2MX4TQZ"]) {
    expect(codeParse(wrong), wrong).toBeNull();
  }
});

test("instructions are told in the wanted language, else in the one that is there", () => {
  expect(instructionsIn({ en: "Hello", fr: "Bonjour" }, "fr")).toBe("fr");
  expect(instructionsIn({ en: "Hello", fr: "  " }, "fr")).toBe("en");
  expect(instructionsIn({ en: "Hello" }, "fr")).toBe("en");
  expect(instructionsIn({}, "fr")).toBeNull();
});
