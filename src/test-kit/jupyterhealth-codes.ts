import { type JupyterHealthCohort, systemOf } from './jupyterhealth-cohort.ts'

/** What an exchange is seeded with: the number, code and text of each row. */
const seeded: readonly (readonly [id: number, code: string, text: string])[] = [
  [50001, 'omh:blood-glucose:4.0', 'Blood glucose'],
  [50002, 'omh:blood-pressure:4.0', 'Blood pressure'],
  [50003, 'omh:body-temperature:4.0', 'Body temperature'],
  [50004, 'omh:heart-rate:2.0', 'Heart Rate'],
  [50005, 'omh:oxygen-saturation:2.0', 'Oxygen saturation'],
  [50006, 'omh:respiratory-rate:2.0', 'Respiratory rate'],
  [50007, 'omh:rr-interval:1.0', 'RR Interval'],
  [50008, 'omh:body-weight:3.0', 'Body weight'],
  [50009, 'omh:forced-vital-capacity:1.0', 'Forced vital capacity'],
  [50010, 'omh:forced-expiratory-volume-1-second:1.0', 'Forced expiratory volume 1 second'],
  [50011, 'QuestionnaireResponse', 'FHIR QuestionnaireResponse'],
  [50012, 'omh:physical-activity:1.2', 'Physical activity'],
  [50013, 'omh:step-count:3.0', 'Step count'],
  [50014, 'ieee:sleep-stage-summary:1.0', 'Sleep stage summary'],
  [50015, 'omh:sleep-episode:1.1', 'Sleep episode'],
  [50016, 'omh:sleep-duration:2.0', 'Sleep duration'],
]

interface ListedCode {
  readonly id: number
  readonly codingSystem: string
  readonly codingCode: string
  readonly text: string
}

/** Every code that the exchange has, by its text: an observation refers to one of them, so none has another. */
export function codesOf({ observations }: JupyterHealthCohort): ListedCode[] {
  const rows = new Map<string, ListedCode>(
    seeded.map(([id, codingCode, text]) => {
      const codingSystem = codingCode.includes(':')
        ? systemOf(codingCode)
        : 'http://hl7.org/fhir/resource-types'
      return [`${codingSystem}|${codingCode}`, { id, codingSystem, codingCode, text }] as const
    }),
  )
  for (const { system, code, display } of observations) {
    const name = `${system}|${code}`
    if (rows.has(name)) continue
    rows.set(name, { id: 50_001 + rows.size, codingSystem: system, codingCode: code, text: display })
  }
  return [...rows.values()].sort((a, b) => (a.text < b.text ? -1 : 1))
}
