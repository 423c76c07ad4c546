export {
  type BootState,
  clearResult,
  confirm,
  confirmLauncher,
  formatBootState,
  type LauncherResult,
  parseBootState,
  readBootState,
  readResult,
  startTrial,
  type Trial,
  type WrittenSlot,
} from './boot-state.ts';
export { filesToFetch, manifestIn, sourcesOf } from './held.ts';
export { type InstallOptions, install } from './install.ts';
export { type Layout, type LayoutEnvironment, layoutOf, slotFolder } from './layout.ts';
export {
  clearStaging,
  type InstallRequest,
  type InstallResult,
  installRequest,
  installResult,
  type RefusalCode,
  readInstallResult,
  requestInstall,
} from './requests.ts';
