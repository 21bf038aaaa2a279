/** The five looks a fact can have. Each also has its own glyph, so that nothing is said by colour alone. */
export type Tone = "idle" | "running" | "ok" | "attention" | "failed";
