/** What the templates know of a field beyond its schema: of the outermost ones only, by name. */
export interface FieldFacts {
  /** Said beside the name, such as `read-only`. */
  badge?: string;
  /** Why it cannot be changed. */
  why?: string;
  /** The value that the bot has, where the form holds another. */
  now?: string;
  onReset?: () => void;
  /** The value that the bot has by default, as text. */
  fallback?: string;
  /** Whether the form holds that value. */
  isFallback?: boolean;
  /** Puts that value into the form. */
  onFallback?: () => void;
  /** Left out of what is seen, since it does not match what was looked for. */
  isFiltered?: boolean;
  /** Never shown, and left as it is where nothing is typed. */
  isSecret?: boolean;
  /** An id for the row, by which a bot may point at it. */
  anchor?: string;
}

export interface FormContext {
  facts: { [name: string]: FieldFacts };
  /** Whether an emptied text is a text, and not left out. */
  keepsEmpty: boolean;
  /** Whether fields that nothing was put into yet are told as missing: nobody likes to be scolded that early. */
  tellsMissing: boolean;
  /** The name of the field that stands for the whole value, whose label is of no use. */
  whole?: string;
}
