import { useEffect, useRef, useState } from "react";

const COPIED_SHOWN_MS = 2_000;

/** Copies a text, and says for a moment that it is copied. */
export function useCopied(text: string): { copied: boolean; copy: () => void } {
  const [copied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = () => {
    // Refused without https or by policy: the text stays selectable, so nothing is lost.
    void navigator.clipboard?.writeText(text).then(
      () => {
        setCopied(true);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => setCopied(false), COPIED_SHOWN_MS);
      },
      () => {},
    );
  };
  return { copied, copy };
}
