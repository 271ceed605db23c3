/** What a resource hears from the kernel between two looks. Only the daemon follows, so the code is loaded late. */
import { errorMessage } from '../host/errors.ts';

export class LateFollower<T extends { close(): void }> {
  /** null until the code is loaded, and after the end. */
  current: T | null = null;

  /** `load` returns what makes the follower. `deaf` gets the reason if there is none. Returns a function that ends it. */
  follow(load: () => Promise<() => T>, deaf: (why: string) => void): () => void {
    let closed = false;
    void (async () => {
      const make = await load();
      if (!closed) this.current = make();
    })().catch((error) => deaf(errorMessage(error)));
    return () => {
      closed = true;
      this.current?.close();
      this.current = null;
    };
  }
}
