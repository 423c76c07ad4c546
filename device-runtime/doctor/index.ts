export { type DoctorOptions, doctorCommand } from './doctor.ts';
