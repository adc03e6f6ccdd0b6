/** What is as good as silence: a level lower by so many powers of ten than the loudest. */
const RANGE = 2.5;

/** How loud samples are, from 0 to 1, on the scale of an ear. `full`: the largest value a sample can have. */
export function loudness(samples: ArrayLike<number>, full: number): number {
  if (samples.length === 0) return 0;
  let sum = 0;
  for (let index = 0; index < samples.length; index++) sum += (samples[index] ?? 0) ** 2;
  const level = Math.sqrt(sum / samples.length) / full;
  return level === 0 ? 0 : Math.max(0, Math.min(1, 1 + Math.log10(level) / RANGE));
}
