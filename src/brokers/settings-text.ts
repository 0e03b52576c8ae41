import type { ClusterSettings } from "../server/broker.ts";

/** The settings of a node, of the JSON that it keeps where others find it; null where that is none. */
export function settingsIn(text: string): ClusterSettings | null {
  try {
    const settings = JSON.parse(text) as unknown;
    return typeof settings === "object" && settings !== null ? (settings as ClusterSettings) : null;
  } catch {
    return null;
  }
}
