/** Puts the page together. */
import { Chat } from "./chat.ts";
import { Composer } from "./composer.ts";
import { byId, setText } from "./dom.ts";
import { wireDrawers } from "./drawers.ts";
import { tabKeep } from "./keep.ts";
import { LineControl } from "./line.ts";
import { LogView } from "./log-view.ts";
import { visitorName, wireRename } from "./name.ts";
import { PanelView } from "./panel-view.ts";
import { SidebarView } from "./sidebar-view.ts";
import { StatusView } from "./status-view.ts";
import { openTab } from "./tab.ts";
import { wireTheme } from "./theme.ts";
import { Tour } from "./tour.ts";

/** Changes are drawn together: a replay of hundreds of messages is a few drawings. */
const renderMs = 16;

await start().catch((error: unknown) => {
  showTrouble(`The chat can't start: ${String(error)}`);
  throw error;
});

async function start(): Promise<void> {
  wireTheme();
  wireDrawers();
  const me = await visitorName();
  const { lineId, store } = await openTab();
  wireRename(me);

  let timer: number | undefined;
  const changed = (): void => {
    timer ??= window.setTimeout(render, renderMs);
  };
  const line = new LineControl(lineId, changed, () => {
    if (chat.client.status.state === "waiting") chat.client.reconnect();
  });
  const chat = new Chat({ me, url: line.url, store, changed });
  // A server that started anew knows nothing of a cut.
  chat.client.onStatus(({ state }) => {
    if (state === "open") void line.refresh();
  });
  const log = new LogView(chat, changed);
  const status = new StatusView(chat);
  const panel = new PanelView(chat, line);
  const tour = new Tour(chat, line);
  const composer = new Composer(chat, () => log.jump());
  const sidebar = new SidebarView(chat, () => composer.focus());

  function render(): void {
    timer = undefined;
    const { active, unreadCount } = chat;
    setText(byId("title"), active?.info.title ?? (chat.isNowhere ? "No such room" : "…"));
    setText(byId("topic"), active?.info.topic ?? "");
    log.render(active);
    composer.render(active);
    sidebar.render();
    panel.render();
    tour.render();
    status.render();
    showTrouble(
      tabKeep.isRefused ? "This browser keeps nothing for the page: what is queued is lost on a reload." : "",
    );
    document.title = `${unreadCount > 0 ? `(${unreadCount}) ` : ""}${active?.info.title ?? "Bowline"} · Bowline chat`;
  }

  const route = (): void => {
    const slug = roomInUrl();
    if (slug !== null) chat.open(slug);
  };
  window.addEventListener("hashchange", route);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") route();
  });
  route();
  await line.refresh();
  if (window.matchMedia("(width >= 48rem)").matches) composer.focus();
}

function showTrouble(text: string): void {
  setText(byId("trouble"), text);
}

/** Null where the URL points at something else on the page. */
function roomInUrl(): string | null {
  if (location.hash === "") return "lobby";
  const [, slug] = /^#\/(.+)$/.exec(location.hash) ?? [];
  try {
    return slug === undefined ? null : decodeURIComponent(slug);
  } catch {
    return null;
  }
}
