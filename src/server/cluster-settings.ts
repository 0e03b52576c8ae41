import type { Contract } from "../contract/contract.ts";
import type { ClusterSettings } from "./broker.ts";

/** A setting that this node has otherwise than some that were there before it. */
export interface SettingDifference {
  readonly name: string;
  readonly own: string;
  /** The others' values, each with a node that has it. */
  readonly others: readonly { readonly value: string; readonly node: string }[];
}

/** The settings of the contract: by pattern `history <pattern>`, the bounds `<count> <milliseconds> <bytes>`. */
export function clusterSettings({ rooms }: Contract): ClusterSettings {
  return Object.fromEntries(
    Object.entries(rooms).map(([pattern, { history }]) => [
      `history ${pattern}`,
      `${history.count} ${history.ageMs} ${history.bytes}`,
    ]),
  );
}

/** Every setting that two nodes know and have different values of. One that only one of them knows is an addition. */
export function settingsThatDiffer(
  own: ClusterSettings,
  others: ReadonlyMap<string, ClusterSettings>,
): SettingDifference[] {
  return Object.entries(own).flatMap(([name, value]) => {
    const nodes = new Map<string, string>();
    for (const [node, settings] of others) {
      const other = settings[name];
      if (other !== undefined && other !== value && !nodes.has(other)) nodes.set(other, node);
    }
    const differing = Array.from(nodes, ([value, node]) => ({ value, node }));
    return differing.length > 0 ? [{ name, own: value, others: differing }] : [];
  });
}
