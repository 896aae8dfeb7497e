import type { Namespace } from './systems.ts'

/** One member of a body that its schema defines and that carries a measurement. */
export interface Member {
  /** Path in the body, which is also the component's code: names joined with `.`. */
  readonly path: string
  readonly kind: 'quantity' | 'text'
  /** UCUM units that its property is measured in; LOINC stands only beside one of these. */
  readonly units: readonly string[]
  /** LOINC of the component. */
  readonly loinc?: LoincCode
  /** Unit, in the schemas' words, of a number that the schema writes without one. */
  readonly bareUnit?: string
}

/** A type of data: all versions of its schema, in both namespaces. */
export interface DataType {
  /** Short name: the schema's own. */
  readonly name: string
  readonly title: string
  /** What it means, in a line. */
  readonly meaning: string
  /** Published versions of its schema. Others are understood as well; these are searched for. */
  readonly versions: Readonly<Record<Namespace, readonly string[]>>
  /** LOINC codes of the whole observation. */
  readonly loinc: readonly LoincCode[]
  /** `quantity`: one number in `valueQuantity`. `components`: its numbers in `component`, one each. */
  readonly shape: 'quantity' | 'components'
  readonly members: readonly Member[]
  /** Paths that a body has to have. */
  readonly required: readonly string[]
  /** UCUM units of its values. */
  readonly units: readonly string[]
  /** Whether a value sums up a stretch of time, and is not a reading at a point in time. */
  readonly aggregate: boolean
  /** Other English words for it. */
  readonly synonyms: readonly string[]
}

/** LOINC codes in use, with their names in LOINC. */
export const loincDisplays = {
  '2339-0': 'Glucose [Mass/volume] in Blood',
  '15074-8': 'Glucose [Moles/volume] in Blood',
  '2345-7': 'Glucose [Mass/volume] in Serum or Plasma',
  '14749-6': 'Glucose [Moles/volume] in Serum or Plasma',
  '99504-3': 'Glucose [Mass/volume] in Interstitial fluid',
  '105272-9': 'Glucose [Moles/volume] in Interstitial fluid',
  '85354-9': 'Blood pressure panel with all children optional',
  '8480-6': 'Systolic blood pressure',
  '8462-4': 'Diastolic blood pressure',
  '8310-5': 'Body temperature',
  '29463-7': 'Body weight',
  '8867-4': 'Heart rate',
  '40443-4': 'Heart rate --resting',
  '80404-7': 'R-R interval.standard deviation (Heart rate variability)',
  '2708-6': 'Oxygen saturation in Arterial blood',
  '59408-5': 'Oxygen saturation in Arterial blood by Pulse oximetry',
  '73985-4': 'Exercise activity',
  '55411-3': 'Exercise duration',
  '41981-2': 'Calories burned',
  '74008-4': 'Exercise intensity',
  '9279-1': 'Respiratory rate',
  '93832-4': 'Sleep duration',
  '93830-8': 'Light sleep duration',
  '93831-6': 'Deep sleep duration',
  '93829-0': 'REM sleep duration',
  '55423-8': 'Number of steps',
  '41950-7': 'Number of steps in 24 hour Measured',
} as const

export type LoincCode = keyof typeof loincDisplays

const times = ['s', 'min', 'h'] as const
const distances = ['m', 'km', '[mi_i]'] as const

function quantity(path: string, units: readonly string[], loinc?: LoincCode, bareUnit?: string): Member {
  return {
    path,
    kind: 'quantity',
    units,
    ...(loinc === undefined ? {} : { loinc }),
    ...(bareUnit === undefined ? {} : { bareUnit }),
  }
}

function single(member: Member, type: Omit<DataType, 'shape' | 'members' | 'required' | 'units'>): DataType {
  return { ...type, shape: 'quantity', members: [member], required: [member.path], units: member.units }
}

function several(
  members: readonly Member[],
  required: readonly string[],
  type: Omit<DataType, 'shape' | 'members' | 'required' | 'units'>,
): DataType {
  const units = [...new Set(members.flatMap((member) => member.units))]
  return { ...type, shape: 'components', members, required, units }
}

/** Every type that is understood, by name. */
export const dataTypeTable: readonly DataType[] = [
  single(quantity('blood_glucose', ['mg/dL', 'mmol/L']), {
    name: 'blood-glucose',
    title: 'Blood glucose',
    meaning: 'Glucose in blood, plasma, serum or interstitial fluid, by meter or continuous monitor.',
    versions: { omh: ['1.0', '2.0', '3.0', '4.0'], ieee: [] },
    loinc: ['2339-0', '15074-8', '2345-7', '14749-6', '99504-3', '105272-9'],
    aggregate: false,
    synonyms: ['glucose', 'blood-sugar', 'sugar', 'cgm', 'bg'],
  }),
  several(
    [
      quantity('systolic_blood_pressure', ['mm[Hg]'], '8480-6'),
      quantity('diastolic_blood_pressure', ['mm[Hg]'], '8462-4'),
    ],
    ['systolic_blood_pressure', 'diastolic_blood_pressure'],
    {
      name: 'blood-pressure',
      title: 'Blood pressure',
      meaning: 'Systolic and diastolic blood pressure of one measurement.',
      versions: { omh: ['1.0', '2.0', '3.0', '3.1', '4.0'], ieee: [] },
      loinc: ['85354-9'],
      aggregate: false,
      synonyms: ['bp', 'systolic', 'diastolic'],
    },
  ),
  single(quantity('body_temperature', ['Cel', '[degF]', 'K']), {
    name: 'body-temperature',
    title: 'Body temperature',
    meaning: 'Temperature of the body, at the site that bodySite names.',
    versions: { omh: ['1.0', '2.0', '3.0', '4.0'], ieee: [] },
    loinc: ['8310-5'],
    aggregate: false,
    synonyms: ['temperature', 'temp'],
  }),
  single(quantity('body_weight', ['kg', 'g', '[lb_av]', '[oz_av]']), {
    name: 'body-weight',
    title: 'Body weight',
    meaning: 'Weight of the body.',
    versions: { omh: ['1.0', '2.0', '3.0'], ieee: [] },
    loinc: ['29463-7'],
    aggregate: false,
    synonyms: ['weight'],
  }),
  single(quantity('heart_rate', ['/min']), {
    name: 'heart-rate',
    title: 'Heart rate',
    meaning: 'Heart beats in a minute.',
    versions: { omh: ['1.0', '1.1', '2.0'], ieee: [] },
    loinc: ['8867-4', '40443-4'],
    aggregate: false,
    synonyms: ['hr', 'pulse', 'pulse-rate', 'heartrate', 'bpm', 'resting-heart-rate'],
  }),
  single(quantity('heart_rate_variability', ['ms']), {
    name: 'heart-rate-variability',
    title: 'Heart rate variability',
    meaning: 'How much the time between heart beats varies, by the algorithm that is named.',
    versions: { omh: ['1.0'], ieee: [] },
    loinc: ['80404-7'],
    aggregate: true,
    synonyms: ['hrv', 'sdnn', 'rmssd'],
  }),
  single(quantity('oxygen_saturation', ['%']), {
    name: 'oxygen-saturation',
    title: 'Oxygen saturation',
    meaning: 'Share of hemoglobin that carries oxygen.',
    versions: { omh: ['1.0', '2.0'], ieee: [] },
    loinc: ['2708-6', '59408-5'],
    aggregate: false,
    synonyms: ['spo2', 'o2-sat', 'sao2', 'blood-oxygen', 'oxygen', 'pulse-oximetry'],
  }),
  several(
    [
      quantity('duration', times, '55411-3'),
      quantity('effective_duration', times, '55411-3'),
      quantity('duration_light_activity', times),
      quantity('duration_moderate_activity', times),
      quantity('duration_vigorous_activity', times),
      quantity('kcal_burned', ['kcal'], '41981-2'),
      { path: 'reported_activity_intensity', kind: 'text', units: [], loinc: '74008-4' },
      quantity('distance', distances),
      quantity('cumulative_elevation_gain', distances),
      quantity('met_value', ['{MET}'], undefined, 'MET'),
      quantity('average_cadence', ['{steps}/min', '{strokes}/min']),
      quantity('average_speed', ['m/s', 'km/h']),
      quantity('base_movement_quantity', ['{steps}', '{strokes}', '{laps}']),
      { path: 'activity_name', kind: 'text', units: [] },
    ],
    ['activity_name'],
    {
      name: 'physical-activity',
      title: 'Physical activity',
      meaning: 'An episode, or a period, of an activity: how long, how far, how hard.',
      versions: { omh: ['1.0', '1.1', '1.2', '2.0'], ieee: ['1.0'] },
      loinc: ['73985-4'],
      aggregate: true,
      synonyms: ['activity', 'exercise', 'workout'],
    },
  ),
  single(quantity('respiratory_rate', ['/min']), {
    name: 'respiratory-rate',
    title: 'Respiratory rate',
    meaning: 'Breaths in a minute.',
    versions: { omh: ['1.0', '2.0'], ieee: [] },
    loinc: ['9279-1'],
    aggregate: false,
    synonyms: ['respiration', 'respiration-rate', 'breathing-rate', 'breaths'],
  }),
  single(quantity('rr_interval', ['ms']), {
    name: 'rr-interval',
    title: 'RR interval',
    meaning: 'Time between the R waves of two heart beats.',
    versions: { omh: ['1.0'], ieee: [] },
    loinc: [],
    aggregate: false,
    synonyms: ['r-r-interval', 'interbeat-interval', 'ibi'],
  }),
  single(quantity('sleep_duration', times), {
    name: 'sleep-duration',
    title: 'Sleep duration',
    meaning: 'Time asleep within the period; the older name of total-sleep-time.',
    versions: { omh: ['1.0', '2.0'], ieee: [] },
    loinc: ['93832-4'],
    aggregate: true,
    synonyms: ['sleep', 'time-asleep'],
  }),
  several(
    [
      quantity('total_sleep_time', times, '93832-4'),
      quantity('light_sleep_duration', times, '93830-8'),
      quantity('deep_sleep_duration', times, '93831-6'),
      quantity('rem_sleep_duration', times, '93829-0'),
      quantity('latency_to_sleep_onset', times),
      quantity('latency_to_arising', times),
      quantity('wake_after_sleep_onset', times),
      quantity('number_of_awakenings', ['1'], undefined, '1'),
      quantity('sleep_maintenance_efficiency_percentage', ['%']),
      quantity('sleep_efficiency_percentage', ['%']),
    ],
    [],
    {
      name: 'sleep-episode',
      title: 'Sleep episode',
      meaning: 'One stretch of sleep, a night or a nap: how long, in which stages, how often awake.',
      versions: { omh: ['1.0', '1.1'], ieee: ['1.0'] },
      loinc: [],
      aggregate: true,
      synonyms: ['sleep-session', 'nap'],
    },
  ),
  several(
    [
      quantity('sleep_stage_summary.total_sleep_time', times),
      quantity('sleep_stage_summary.light_sleep_duration', times),
      quantity('sleep_stage_summary.deep_sleep_duration', times),
      quantity('sleep_stage_summary.rem_sleep_duration', times),
      quantity('sleep_stage_summary.awake_duration', times),
      quantity('sleep_stage_summary.latency_to_sleep_onset', times),
      quantity('sleep_stage_summary.sleep_efficiency_percentage', ['%']),
    ],
    ['sleep_stage_summary.total_sleep_time'],
    {
      name: 'sleep-stage-summary',
      title: 'Sleep stage summary',
      meaning: 'Time in each stage of a sleep.',
      versions: { omh: [], ieee: ['1.0'] },
      loinc: [],
      aggregate: true,
      synonyms: ['sleep-stages', 'sleep-stage'],
    },
  ),
  single(quantity('step_count', ['{steps}', '{steps}/(24.h)'], undefined, 'steps'), {
    name: 'step-count',
    title: 'Step count',
    meaning: 'Steps taken within the period.',
    versions: { omh: ['1.0', '2.0', '3.0'], ieee: [] },
    loinc: ['55423-8', '41950-7'],
    aggregate: true,
    synonyms: ['steps', 'step', 'daily-steps', 'stepcount'],
  }),
  single(quantity('time_in_bed', times), {
    name: 'time-in-bed',
    title: 'Time in bed',
    meaning: 'Time spent in bed, asleep or not.',
    versions: { omh: [], ieee: ['1.0'] },
    loinc: [],
    aggregate: true,
    synonyms: ['in-bed'],
  }),
  single(quantity('total_sleep_time', times), {
    name: 'total-sleep-time',
    title: 'Total sleep time',
    meaning: 'Time asleep within the period; the newer name of sleep-duration.',
    versions: { omh: ['1.0'], ieee: ['1.0'] },
    loinc: ['93832-4'],
    aggregate: true,
    synonyms: ['tst'],
  }),
]
