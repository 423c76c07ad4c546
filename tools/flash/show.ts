import { inColumns, printable } from '../cloud/columns.ts';
import type { Disk } from './disks.ts';
import type { FlashEvent, Report, ResultEvent, Step } from './events.ts';
import { bytesText, type Progress, secondsText } from './progress.ts';

/** What a person reads: `tell` gets what goes on, `conclude` how it ended. @param isLive where a line can be written over */
export function humanReport(
  tell: (text: string) => void,
  conclude: (text: string) => void,
  isLive: boolean,
): Report {
  let isOpen = false;
  return (event) => {
    if (event.event === 'progress') {
      if (!isLive) return;
      tell(`\r\u001b[K  ${progressLine(event.step, event)}`);
      isOpen = true;
      return;
    }
    if (isOpen) tell('\r\u001b[K');
    isOpen = false;
    const write = event.event === 'result' ? conclude : tell;
    for (const line of linesOf(event)) write(`${printable(line)}\n`);
  };
}

/** What a program reads: a line of JSON an event. */
export function jsonReport(write: (text: string) => void): Report {
  return (event) => write(`${JSON.stringify(event)}\n`);
}

function progressLine(step: Step, { done, all, bytesPerSecond, secondsLeft }: Progress): string {
  const percent = `${Math.floor((Math.min(done, all) / Math.max(1, all)) * 100)} %`;
  const speed = bytesPerSecond === null ? [] : [`${bytesText(bytesPerSecond)}/s`];
  const left = secondsLeft === null ? [] : [`${secondsText(secondsLeft)} left`];
  const toGo = step === 'capacity' ? [] : [`${bytesText(Math.max(0, all - done))} to go`];
  return [`${step} ${percent}`, ...toGo, ...speed, ...left].join(', ');
}

function linesOf(event: Exclude<FlashEvent, { event: 'progress' }>): string[] {
  switch (event.event) {
    case 'disks':
      return disksTable(event.disks).split('\n');
    case 'image':
      return [
        `image ${event.path}${event.imageBytes === null ? '' : `, ${bytesText(event.imageBytes)}`}`,
        event.blockMap === null
          ? '  no block map beside it: all of it is written'
          : `  block map ${event.blockMap}: ${bytesText(event.mappedBytes ?? 0)} are written`,
      ];
    case 'step':
      return [`${event.state === 'begun' ? '…' : '✓'} ${event.step}: ${event.says}`];
    case 'note':
      return [`  ${event.says}`];
    case 'result':
      return resultLines(event);
  }
}

function resultLines(event: ResultEvent): string[] {
  const { result, to, says, act, seconds, bytesWritten, site, release, serialNumber } = event;
  if (result === 'confirmed') return [`confirmed: ${serialNumber} runs ${release}`];
  if (result !== 'written') return [...`✗ ${says}`.split('\n'), `  ${act}`];
  return [
    `written: ${bytesText(bytesWritten ?? 0)} to ${to} in ${secondsText(Math.round(seconds ?? 0))}, and read back as written`,
    ...(site === null ? [] : [`  it becomes ${site} when it first starts with a network`]),
    ...(act === null ? [] : [`  ${act}`]),
  ];
}

/** Disks with what is on them. */
export function disksTable(disks: readonly Disk[]): string {
  if (disks.length === 0) return 'no removable disk is here: put a card in';
  const rows = disks.map((disk) => [
    disk.name,
    bytesText(disk.bytes),
    disk.bus ?? '',
    disk.model ?? '',
    contentOf(disk),
  ]);
  return inColumns(['disk', 'size', 'bus', 'model', 'on it'], rows);
}

/** What is on a disk, in a line. */
export function contentOf({ fileSystem, mountedAt, parts }: Disk): string {
  const all = [{ name: '', fileSystem, label: null, mountedAt, bytes: 0 }, ...parts];
  const said = all.flatMap(({ name, fileSystem: system, label, mountedAt: at, bytes }) => {
    const words = [
      name,
      ...(bytes > 0 ? [bytesText(bytes)] : []),
      system ?? '',
      label === null ? '' : `"${label}"`,
      at.length > 0 ? `MOUNTED at ${at.join(', ')}` : '',
    ].filter((word) => word !== '');
    return words.length === 0 ? [] : [words.join(' ')];
  });
  return said.join('; ') || 'nothing';
}
