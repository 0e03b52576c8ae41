import { stages, type StageName } from "./benches.ts";
import { playScript } from "./player.ts";
import { shrink } from "./shrink.ts";
import { drawScript, type Step } from "./step.ts";

/** A script that a broker fails, as short as could be found. */
export interface Failure {
  readonly message: string;
  readonly script: readonly Step[];
}

export interface RunOptions {
  readonly length: number;
  /** Played in place of what the seed draws. */
  readonly script?: readonly Step[];
}

/** Plays one script on a broker of its own; null when all went as it has to. */
export async function runSeed(
  name: StageName,
  seed: number,
  { length, script }: RunOptions,
): Promise<Failure | null> {
  const play = async (steps: readonly Step[]): Promise<string | null> => {
    const stage = await stages[name](seed);
    try {
      await playScript(stage.bench, steps);
      return null;
    } catch (error) {
      return (error as Error).message;
    } finally {
      await stage.close();
    }
  };
  const steps = script ?? drawScript(seed, length, await abilitiesOf(name, seed));
  const first = await play(steps);
  if (first === null) return null;
  const shortest = await shrink(steps, async (left) => (await play(left)) !== null);
  return { message: (await play(shortest)) ?? first, script: shortest };
}

async function abilitiesOf(name: StageName, seed: number) {
  const stage = await stages[name](seed);
  await stage.close();
  return stage.abilities;
}
