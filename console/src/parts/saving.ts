/** Hand a text to the browser as a file to keep. */
export function saveFile(name: string, text: string, type: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A name for a file: the bot, what it is, and when. */
export function fileName(bot: string, what: string, ending: string): string {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "");
  return `${bot.replace(/[^\w-]+/g, "-") || "bot"}-${what}-${stamp}.${ending}`;
}
