/**
 * The measured value of a data provider packet, tagged by its T24 data type.
 *
 * `nonFinite` is a float32 that is an infinity or no number at all, kept as its 32 bits: a reading of bad
 * quality, never a number. `float64` does not occur in T24 frames; decimal text (GW1 ASCII) becomes one.
 */
export type Value =
  | { readonly type: 'none' }
  | { readonly type: 'uint8' | 'uint16' | 'int32' | 'float32' | 'float64'; readonly value: number }
  | { readonly type: 'nonFinite'; readonly bits: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'binary'; readonly value: Uint8Array };
