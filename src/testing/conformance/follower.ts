import type { Broker, LogBound } from "../../server/broker.ts";
import type { Heard } from "./heard.ts";

/** Entries read at a time. */
const pageLength = 64;

/**
 * Reads a room as a node does: what comes live, and from the log where something is missing. Nothing but what a broker
 * has to give makes it read: an entry beyond the next one, one of another epoch, or a hole.
 */
export class Follower {
  /** Everything read in the present epoch. */
  data: string[] = [];
  epoch = "";
  /** How often the log turned out to be another one. */
  restarts = 0;
  readonly #broker: Broker;
  readonly #heard: Heard;
  readonly #room: string;
  #head = 0;
  #entriesTaken = 0;
  #holesTaken = 0;
  #busy = false;

  constructor(broker: Broker, heard: Heard, room: string) {
    this.#broker = broker;
    this.#heard = heard;
    this.#room = room;
  }

  /** Subscribes to a room that is empty so far. */
  async start(bound: LogBound): Promise<void> {
    const { epoch, head } = await this.#broker.subscribe(this.#room, bound);
    this.epoch = epoch;
    this.#head = head;
    this.#heard.follow(this.#room, () => this.#wake());
    this.#wake();
  }

  #wake(): void {
    if (this.#busy) return;
    this.#busy = true;
    // A read that fails is done again at the next wake: the hole is still there.
    void this.#catchUp()
      .catch(() => {})
      .finally(() => (this.#busy = false));
  }

  /** Goes on with what failed, as a node does after a while. */
  retry(): void {
    this.#wake();
  }

  async #catchUp(): Promise<void> {
    for (;;) {
      const holes = this.#heard.holes(this.#room);
      const entry = this.#heard.entries(this.#room)[this.#entriesTaken];
      if (holes > this.#holesTaken) {
        await this.#read();
        this.#holesTaken = holes;
      } else if (!entry) {
        return;
      } else if (entry.epoch === this.epoch && entry.offset <= this.#head + 1) {
        if (entry.offset > this.#head) this.#push(entry.data);
        this.#entriesTaken += 1;
      } else {
        await this.#read();
        this.#entriesTaken += 1;
      }
    }
  }

  async #read(): Promise<void> {
    for (;;) {
      const page = await this.#broker.read(this.#room, this.#head, pageLength);
      if (page.epoch !== this.epoch) {
        this.restarts += 1;
        this.epoch = page.epoch;
        this.#head = 0;
        this.data = [];
      } else {
        for (const { data } of page.entries) this.#push(data);
        if (this.#head >= page.head) return;
      }
    }
  }

  #push(data: string): void {
    this.#head += 1;
    this.data.push(data);
  }
}
