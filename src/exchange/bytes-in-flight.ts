import { fhirMcpError } from '../errors.ts'

/** Bounds what all calls together hold of answers of the exchange. */
export interface BytesInFlight {
  /** The share of one call of this person, until `end`. */
  open(person: string): CallBytes
}

/** What one call holds. */
export interface CallBytes {
  /** The share of one answer that is about to come. */
  answer(): AnswerBytes
  /** The call is over, and holds nothing any more. */
  end(): void
}

/** What one answer takes. */
export interface AnswerBytes {
  /**
   * Takes up to so many bytes in all. False: they are not free now, and `resume` is called once they are; the answer has to wait
   * until then.
   */
  take(bytes: number, resume: () => void): boolean
  /** Whether it is counted. */
  isLarge(): boolean
  /** Whether it waits. */
  isWaiting(): boolean
  /** The answer was read: its call holds it on, until it ends or has read a larger one. */
  keep(): void
  /** The answer did not come, or was kept. */
  drop(): void
}

/** Answers of so many bytes at the most are not counted: they never wait for large ones, and connections bound them. */
const small = 1_048_576
/** In so many bytes an answer grows. */
const step = 1_048_576

/** Seconds that are named to those who waited in vain. */
const comeBack = 10

interface Call {
  readonly person: string
  /** Bytes of the largest answer that it read. */
  kept: number
  readonly answers: Set<Answer>
  isOver: boolean
}

interface Answer {
  readonly call: Call
  bytes: number
  wanted: number
  /** Set while it waits. */
  resume: (() => void) | undefined
}

/** What is said of an answer that waited until its time was over. */
export function waitedForBytes() {
  return fhirMcpError('RATE_LIMITED', {
    detail: 'Large answers of the exchange are being read, and this one did not get its turn in time.',
    retryAfter: comeBack,
  })
}

/**
 * Bounds large answers to `limit` bytes, unpacked; 0: any number. So that no two wait for each other, one call at a time may go
 * beyond it, with one answer: there is always one that comes to its end. Of those that wait the next is one whose person holds
 * nothing, if there is any, so that nobody's many calls keep out a neighbour's one.
 */
export function createBytesInFlight(limit: number): BytesInFlight {
  /** In the order in which they began to wait. */
  const waiting = new Set<Answer>()
  /** Calls that hold something, by their person. */
  const holding = new Map<string, number>()
  let used = 0
  /** The call that may go beyond the limit, and its answer that does. */
  let ahead: { readonly call: Call; answer: Answer | undefined } | undefined

  function hold(person: string, bytes: number): void {
    used += bytes
    const own = (holding.get(person) ?? 0) + bytes
    if (own === 0) holding.delete(person)
    else holding.set(person, own)
  }

  function fits(answer: Answer): boolean {
    if (used + answer.wanted - answer.bytes <= limit || ahead?.answer === answer) return true
    if (ahead === undefined) ahead = { call: answer.call, answer }
    else if (ahead.call === answer.call && ahead.answer === undefined) ahead.answer = answer
    return ahead.answer === answer
  }

  function grow(answer: Answer): void {
    hold(answer.call.person, answer.wanted - answer.bytes)
    answer.bytes = answer.wanted
  }

  function next(): Answer | undefined {
    const line = [...waiting]
    const isFree = (answer: Answer) => (holding.get(answer.call.person) ?? 0) === answer.bytes
    const ordered = [...line.filter(isFree), ...line.filter((answer) => !isFree(answer))]
    return ordered.find(fits)
  }

  function goOn(): void {
    for (let answer = next(); answer !== undefined; answer = next()) {
      waiting.delete(answer)
      grow(answer)
      const { resume } = answer
      answer.resume = undefined
      resume?.()
    }
  }

  /** The way ahead is left by an answer with its end, by a call with the last of its answers. */
  function leaveWay(call: Call): void {
    if (ahead?.call !== call) return
    if (ahead.answer !== undefined && !call.answers.has(ahead.answer)) ahead.answer = undefined
    if (call.isOver && call.answers.size === 0) ahead = undefined
  }

  function release(answer: Answer): void {
    if (!answer.call.answers.delete(answer)) return
    waiting.delete(answer)
    answer.resume = undefined
    hold(answer.call.person, -answer.bytes)
    leaveWay(answer.call)
  }

  function answerOf(call: Call): AnswerBytes {
    const answer: Answer = { call, bytes: 0, wanted: 0, resume: undefined }
    call.answers.add(answer)
    return {
      take(bytes, resume) {
        if (bytes <= small || bytes <= answer.bytes || limit === 0) return true
        answer.wanted = Math.ceil(bytes / step) * step
        // Who comes later does not go before those who wait.
        const others = waiting.size > 0 && ahead?.answer !== answer
        if (!others && fits(answer)) {
          grow(answer)
          return true
        }
        answer.resume = resume
        waiting.add(answer)
        goOn()
        return answer.resume === undefined
      },
      isLarge: () => answer.bytes > 0,
      isWaiting: () => answer.resume !== undefined,
      keep() {
        const more = Math.max(0, answer.bytes - call.kept)
        release(answer)
        if (!call.isOver) {
          call.kept += more
          hold(call.person, more)
        }
        goOn()
      },
      drop() {
        release(answer)
        goOn()
      },
    }
  }

  return {
    open(person) {
      const call: Call = { person, kept: 0, answers: new Set(), isOver: false }
      return {
        answer: () => answerOf(call),
        end() {
          call.isOver = true
          hold(call.person, -call.kept)
          call.kept = 0
          leaveWay(call)
          goOn()
        },
      }
    },
  }
}
