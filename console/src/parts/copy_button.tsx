import { useState } from "react";
import { CopyIcon } from "./icons";

/** Copies a text; says for a moment that it did. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const [word, setWord] = useState("");
  const copy = async () => {
    const isCopied = await navigator.clipboard?.writeText(text).then(
      () => true,
      () => false,
    );
    setWord(isCopied ? "Copied" : "The browser does not let this page copy");
    setTimeout(() => setWord(""), 1_600);
  };
  return (
    <button type="button" className="quiet" onClick={() => void copy()}>
      <CopyIcon /> <span aria-live="polite">{word || label}</span>
    </button>
  );
}
