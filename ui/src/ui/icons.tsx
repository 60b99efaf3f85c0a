/** Drawings on a 16 px grid with a 1.5 px line; {@link Icon} frames them. */
export const ICONS = {
  check: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="m5.4 8.2 1.8 1.8 3.5-3.8" />
    </>
  ),
  tick: <path d="m3 8.5 3.2 3.2L13 4.8" />,
  triangle: (
    <>
      <path d="M8 2.2 14.3 13.3H1.7z" />
      <path d="M8 6.4v3.2M8 11.4v.1" />
    </>
  ),
  plug: (
    <path d="M5.5 1.8v3M10.5 1.8v3M3.5 4.8h9v2.4a4.5 4.5 0 0 1-4.5 4.5 4.5 4.5 0 0 1-4.5-4.5zM8 11.7v2.5M2 14.5 14.2 2.3" />
  ),
  lock: (
    <>
      <rect x="3" y="7" width="10" height="7" rx="1.5" />
      <path d="M5.2 7V5a2.8 2.8 0 0 1 5.6 0v2" />
    </>
  ),
  key: (
    <>
      <circle cx="5" cy="11" r="2.8" />
      <path d="m7 9 6.5-6.5M11 5l2 2M9.2 6.8l1.4 1.4" />
    </>
  ),
  shield: (
    <>
      <path d="M8 1.8 13.2 4v4c0 3-2.2 5.2-5.2 6.3C5 13.2 2.8 11 2.8 8V4z" />
      <path d="M8 5.5v3M8 10.6v.1" />
    </>
  ),
  clock: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M8 4.4V8l2.4 1.6" />
    </>
  ),
  pause: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M6.4 5.8v4.4M9.6 5.8v4.4" />
    </>
  ),
  spinner: (
    <>
      <path d="M8 1.75A6.25 6.25 0 1 1 1.75 8" />
      <circle cx="8" cy="8" r="6.25" opacity=".22" />
    </>
  ),
  cordon: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M3.7 3.7l8.6 8.6" />
    </>
  ),
  star: <path d="m8 1.9 1.9 3.9 4.2.6-3 3 .7 4.2L8 11.6l-3.8 2 .7-4.2-3-3 4.2-.6z" fill="currentColor" />,
  search: (
    <>
      <circle cx="7" cy="7" r="4.6" />
      <path d="m10.5 10.5 3.4 3.4" />
    </>
  ),
  minus: <path d="M3 8h10" />,
  plus: <path d="M8 3v10M3 8h10" />,
  more: <path d="M3.5 8h.01M8 8h.01M12.5 8h.01" strokeWidth="2.2" />,
  chevron_right: <path d="m6 3.5 4.5 4.5L6 12.5" />,
  chevron_down: <path d="m3.5 6 4.5 4.5L12.5 6" />,
  chevron_up: <path d="m3.5 10 4.5-4.5 4.5 4.5" />,
  arrow: <path d="M3 8h10M9 4l4 4-4 4" />,
  copy: (
    <>
      <rect x="5.5" y="5.5" width="8" height="8.5" rx="1.5" />
      <path d="M10.5 5.5V3.5A1.5 1.5 0 0 0 9 2H4a1.5 1.5 0 0 0-1.5 1.5v6A1.5 1.5 0 0 0 4 11h1.5" />
    </>
  ),
  terminal: (
    <>
      <rect x="1.8" y="2.8" width="12.4" height="10.4" rx="1.5" />
      <path d="m4.6 6 2.2 2-2.2 2M8.4 10.2h3" />
    </>
  ),
  download: <path d="M8 2v8M4.6 7 8 10.3 11.4 7M2.5 13.5h11" />,
  user: (
    <>
      <circle cx="8" cy="5.3" r="2.8" />
      <path d="M2.8 14c.5-2.9 2.5-4.3 5.2-4.300s4.7 1.4 5.2 4.3" />
    </>
  ),
  close: <path d="m4 4 8 8M12 4l-8 8" />,
  cross: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="m5.8 5.8 4.4 4.400M10.2 5.800l-4.4 4.4" />
    </>
  ),
  retry: <path d="M13.5 8a5.5 5.5 0 1 1-1.7-4M13.5 2v2.600h-2.6" />,
  rows: <path d="M2.3 4h11.400M2.3 8h11.400M2.3 12h11.4" />,
  server: (
    <>
      <rect x="2" y="2.5" width="12" height="4.5" rx="1.2" />
      <rect x="2" y="9" width="12" height="4.5" rx="1.2" />
      <path d="M4.6 4.750h.01M4.6 11.250h.01" strokeWidth="2" />
    </>
  ),
  pulse: <path d="M1.5 8.500h3l1.7-5 3 9 1.7-5.5.8 1.500h2.8" />,
  info: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M8 7.400v3.400M8 5.200v.1" />
    </>
  ),
  wait: <circle cx="8" cy="8" r="6.25" strokeDasharray="2 2.6" />,
  file: <path d="M4 1.800h5.200L12.5 5v9.200H4zM9 1.800V5.200h3.5" />,
  theme: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M8 1.750v12.500a6.25 6.25 0 0 0 0-12.500z" fill="currentColor" />
    </>
  ),
  live: (
    <>
      <circle cx="8" cy="8" r="3" fill="currentColor" stroke="none" />
      <circle cx="8" cy="8" r="5.6" opacity=".4" />
    </>
  ),
  grid: (
    <>
      <rect x="2.3" y="2.3" width="4.7" height="4.7" rx="1" />
      <rect x="9" y="2.3" width="4.7" height="4.7" rx="1" />
      <rect x="2.3" y="9" width="4.7" height="4.7" rx="1" />
      <rect x="9" y="9" width="4.7" height="4.7" rx="1" />
    </>
  ),
  external: <path d="M9.5 2.500h4v4M13.5 2.5 7.5 8.500M11.5 9.500v4h-9v-9h4" />,
  trash: (
    <path d="M2.8 4.300h10.400M6.3 4.300V2.500h3.400v1.800M4.2 4.300l.6 9.200h6.400l.6-9.200M6.8 7v4M9.2 7v4" />
  ),
  edit: <path d="M10.8 2.8 13.2 5.2 5.6 12.8 2.5 13.500l.7-3.100z" />,
  out: <path d="M6.5 2.500h-4v11h4M9.5 4.8 12.8 8 9.5 11.200M12.5 8H6" />,
  language: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M1.8 8h12.400M8 1.750c2 1.7 2.8 3.9 2.8 6.250S10 12.550 8 14.250C6 12.550 5.2 10.350 5.2 8S6 3.450 8 1.750z" />
    </>
  ),
  bell: (
    <path d="M8 2a4 4 0 0 1 4 4c0 3.6 1.4 4.8 1.4 4.8H2.6S4 9.6 4 6a4 4 0 0 1 4-4zM6.6 13.3a1.5 1.5 0 0 0 2.8 0" />
  ),
  mute: (
    <path d="M6 2.5A4 4 0 0 1 12 6c0 3.6 1.4 4.8 1.4 4.8M11 10.8H2.6S4 9.6 4 6c0-.4.1-.8.2-1.2M6.6 13.3a1.5 1.5 0 0 0 2.8 0M2 2l12 12" />
  ),
  mail: (
    <>
      <rect x="1.8" y="3.3" width="12.4" height="9.4" rx="1.5" />
      <path d="m2.3 4.3 5.7 4.4 5.7-4.4" />
    </>
  ),
  hook: (
    <path d="M6.5 9.5 9.5 6.5M7 4.8l1.2-1.2a3 3 0 0 1 4.2 4.2L11.2 9M9 11.2l-1.2 1.2a3 3 0 0 1-4.2-4.2L4.8 7" />
  ),
  play: <path d="M4.5 2.8v10.400l8.500-5.200z" />,
  hand: (
    <path d="M5 8.500V3.800a1.100 1.100 0 0 1 2.200 0v3.400-4.600a1.100 1.100 0 0 1 2.200 0v4.600-3.600a1.100 1.100 0 0 1 2.200 0v5.800c0 2.900-1.700 4.800-4.300 4.800-2 0-3.100-.8-4.100-2.700L2 8.900a1.100 1.100 0 0 1 1.900-1.100z" />
  ),
  message: <path d="M2 2.800h12v8.400H7.500L4.300 14v-2.800H2z" />,
  extend: (
    <>
      <path d="M14.100 6.600A6.250 6.250 0 1 0 14.250 8" />
      <path d="M8 4.400V8l2.400 1.600M14.300 2.500v4.100h-4.100" />
    </>
  ),
  stop: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M5.800 5.800h4.400v4.400H5.800z" />
    </>
  ),
  cards: (
    <>
      <rect x="1.800" y="4.800" width="9.400" height="7.700" rx="1.200" />
      <path d="M4.800 2.500h8a1.400 1.400 0 0 1 1.400 1.400v5.800" />
    </>
  ),
  book: (
    <path d="M8 3.800C6.500 2.600 4.300 2.300 2 2.500v10c2.300-.2 4.500.1 6 1.300 1.500-1.200 3.700-1.500 6-1.300v-10c-2.300-.2-4.500.1-6 1.300zM8 3.800v10" />
  ),
  sliders: (
    <path d="M2 4.500h6M11.500 4.500H14M2 11.500h2.500M8 11.500h6M9.700 2.800v3.400M6.200 9.800v3.400" />
  ),
  box: <path d="m8 1.800 5.700 3v6.400L8 14.200l-5.700-3V4.800zM2.500 4.900 8 7.900l5.500-3M8 7.900v6.200" />,
  history: (
    <>
      <path d="M2.5 8a5.5 5.5 0 1 0 1.7-4M2.5 2v2.600h2.6" />
      <path d="M8 5v3.200l2 1.3" />
    </>
  ),
} as const;

export type IconName = keyof typeof ICONS;
