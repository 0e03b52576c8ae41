import type { ClusterSettings } from "../../server/broker.ts";
import { settingsIn } from "../settings-text.ts";
import { nodeField } from "./incarnation.ts";
import type { Shard } from "./shard.ts";

/** The settings of these nodes, as the marker has them. A node that has left, or whose can't be read, is left out. */
export async function readSettings(
  shard: Shard,
  nodes: readonly string[],
): Promise<Map<string, ClusterSettings>> {
  const found = new Map<string, ClusterSettings>();
  if (nodes.length === 0) return found;
  const texts = (await shard.command("HMGET", shard.marker, ...nodes.map(nodeField))) as (string | null)[];
  for (const [index, node] of nodes.entries()) {
    const settings = settingsIn(texts[index] ?? "");
    if (settings) found.set(node, settings);
  }
  return found;
}
