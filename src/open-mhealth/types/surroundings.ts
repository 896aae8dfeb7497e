import { type DataType, quantity, several, single, temperatures } from './data-type.ts'

const onEachAxis = (path: string, units: readonly string[]) =>
  ['x', 'y', 'z'].map((axis) => quantity(`${path}_${axis}`, units))
const fields = ['T', 'mT', 'uT', 'nT', 'pT'] as const

/** What is around a person, where the person is, and what the sensors of a device feel. */
export const surroundings: readonly DataType[] = [
  several(onEachAxis('acceleration', ['m/s2']), ['acceleration_x', 'acceleration_y'], {
    name: 'acceleration',
    title: 'Acceleration',
    meaning: 'Acceleration of a device along its axes.',
    versions: { omh: ['1.0', '2.0'], ieee: [] },
    loinc: [],
    aggregate: false,
    synonyms: ['accelerometer'],
  }),
  several(
    [quantity('ambient_light.0.intensity', ['lx']), quantity('ambient_light.0.wavelength', ['nm'])],
    ['ambient_light.0.intensity'],
    {
      name: 'ambient-light',
      title: 'Ambient light',
      meaning: 'Light around a person; where there are several wavelengths, a component each.',
      versions: { omh: [], ieee: ['1.0'] },
      loinc: [],
      aggregate: false,
      synonyms: ['light', 'illuminance'],
    },
  ),
  single(quantity('ambient_sound', ['dB']), {
    name: 'ambient-sound',
    title: 'Ambient sound',
    meaning: 'Sound level around a person; dBA is weighted as people hear.',
    versions: { omh: [], ieee: ['1.0'] },
    loinc: [],
    aggregate: false,
    synonyms: ['sound', 'noise'],
  }),
  single(quantity('ambient_temperature', temperatures), {
    name: 'ambient-temperature',
    title: 'Ambient temperature',
    meaning: 'Temperature around a person, not of the body.',
    versions: { omh: ['1.0'], ieee: ['1.0'] },
    loinc: [],
    aggregate: false,
    synonyms: ['room-temperature', 'air-temperature'],
  }),
  several(
    [quantity('latitude', ['deg']), quantity('longitude', ['deg']), quantity('elevation', ['m', '[ft_i]'])],
    ['latitude', 'longitude'],
    {
      name: 'geoposition',
      title: 'Geographic position',
      meaning: 'Latitude, longitude and elevation.',
      versions: { omh: ['1.0'], ieee: [] },
      loinc: [],
      aggregate: false,
      synonyms: ['location', 'position', 'gps'],
    },
  ),
  several(
    onEachAxis('magnetic_field_strength', fields),
    ['magnetic_field_strength_x', 'magnetic_field_strength_y'],
    {
      name: 'magnetic-force',
      title: 'Magnetic field',
      meaning: 'Magnetic field around a device along its axes.',
      versions: { omh: ['1.0'], ieee: [] },
      loinc: [],
      aggregate: false,
      synonyms: ['magnetic-field', 'magnetometer'],
    },
  ),
  several(onEachAxis('angular_velocity', ['rad/s']), ['angular_velocity_x', 'angular_velocity_y'], {
    name: 'orientation',
    title: 'Orientation',
    meaning: 'Angular velocity of a device around its axes.',
    versions: { omh: ['1.0'], ieee: [] },
    loinc: [],
    aggregate: false,
    synonyms: ['angular-velocity', 'gyroscope'],
  }),
]
