/** What is kept, by what it is: each area has its own bound in memory, so that one cannot push out another. */
export type Area =
  | 'AuthorizationCode'
  | 'Client'
  | 'Consent'
  | 'Consumed'
  | 'Grant'
  | 'Holding'
  | 'Interaction'
  | 'RefreshToken'
  | 'Session'
  | 'SignedIn'
  | 'SignIn'

/** Where the broker keeps things: texts by area and id, each for so many seconds. Rejects when it cannot be reached. */
export interface Storage {
  get(area: Area, id: string): Promise<string | undefined>
  set(area: Area, id: string, value: string, seconds: number): Promise<void>
  /** Gets and removes at once: of several who take, one gets it. */
  take(area: Area, id: string): Promise<string | undefined>
  remove(area: Area, id: string): Promise<void>
  /** True for the first who claims that id, until the seconds are over. */
  claim(area: Area, id: string, seconds: number): Promise<boolean>
  /** Sets, unless `limit` others of that area are there already; says whether it did. */
  admit(area: Area, id: string, value: string, seconds: number, limit: number): Promise<boolean>
  /** Runs work that nobody else does at the same time under that name. */
  alone<T>(name: string, work: () => Promise<T>): Promise<T>
  close(): Promise<void>
}
