/** Stands in for packages that the bundle names but never uses; whoever does use one is told. */
export default function absent(): never {
  throw new Error("this part is not in the console");
}
