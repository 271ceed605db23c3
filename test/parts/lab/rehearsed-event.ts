/** An event of a client that is rehearsed, and then made to happen on a throw-away host. */
export interface RehearsedEvent<Dhcp, Scene> {
  readonly dhcp: Dhcp;
  /** Whether the address is lost by it. */
  readonly givesUp: boolean;
  happen(scene: Scene): Promise<void>;
}

export type RehearsedEvents<Dhcp, Scene> = Readonly<Record<string, RehearsedEvent<Dhcp, Scene>>>;
