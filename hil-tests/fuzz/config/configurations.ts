/** Configurations of a gateway that are in order, with every key and table between them. The first transmits, by a proxy. */
export const configurations: readonly string[] = [
  `[gateway]
id = "mast-1"
state = "state"

[uplink]
host = "cloud.example.org"
port = 8883
fallback_port = 443
authority = "authority.pem"
max_delay_ms = 60000
window_bytes = 16384
keepalive_seconds = 10
proxy = { url = "http://proxy.example.org:3128", user = "mast", password_file = "proxy-password" }

[enrolment]
url = "https://cloud.example.org:8443"
secret_file = "enrolment-secret"

[clock]
synchronized_file = "/run/systemd/timesync/synchronized"
saved_file = "/var/lib/systemd/timesync/clock"

[health]
interval_seconds = 60
after_quiet_ms = 150
wedged_seconds = 60

[control]
socket = "control.sock"

[journal]
max_bytes = 268435456
flush_seconds = 1.5

[update]
enabled = true
window = "02:00-04:00"
bytes_per_second = 100000

[unconfigured]
sightings = 3
max_series = 64

[copies]
window_ms = 200

[[drivers]]
name = "weighbridge"
module = "weighbridge.mjs"

[[ports]]
name = "radio"
path = "/dev/serial/by-id/usb-FTDI_*"
baud = 115200
driver = "t24"
base_addresses = [1, 2, 16]
expect_tags = ["25DF", "3A10"]
transmit = true

[[ports]]
name = "display"
path = "/dev/ttyUSB1"
driver = "so"
options = { template = "{tag},{value},{lqi}", ending = "\\r\\n", max_bytes = 64 }

[[sensors]]
tag = "25DF"
name = "Wind, moving average"
unit = "m/s"
interval_seconds = 1
stale_after_seconds = 5
module = "BW-WSS"
`,
  `gateway = { id = "crane-7", state = "/var/lib/loadline-gateway" }
uplink = { host = "10.1.2.3", authority = "/etc/loadline/authority.pem" }

[[ports]]
name = "radio"
path = "/dev/ttyAMA0"

[[sensors]]
tag = "3A10"
name = "Leg A"
unit = "t"
interval_seconds = 0.1
profile = "acquisition"
gain = 0.00102   # physical value = value as heard x gain + offset
offset = -0.4
overload = { low = -1, high = 12, hysteresis = 0.2 }
send = { policy = "change", band = 0.02, band_percent = 1, min_seconds = 0.5, max_seconds = 60 }

[[sensors]]
tag = "3a11"
name = 'Leg "B"'
unit = "t"
simulated = true

[[sensors]]
tag = "25E0"
name = "Gust"
unit = "m/s"
send = { policy = "window", seconds = 60, statistics = ["mean", "max", "last"] }

[[derived]]
tag = "D001"
name = "Both legs"
unit = "t"
kind = "sum"
of = ["Leg A", 'Leg "B"']

[[derived]]
tag = "D002"
name = "Difference"
unit = "t"
kind = "difference"
of = ["Leg A", 'Leg "B"']

[[derived]]
tag = "D003"
name = "Net"
unit = "t"
kind = "tare"
of = "Both legs"

[[derived]]
tag = "D004"
name = "Peak"
unit = "t"
kind = "peak"
of = "Net"
`,
];

/** Documents of the cloud, for a gateway whose own file is the first of those. */
export const desired: readonly string[] = [
  '{"sensors":[{"tag":"3A10","name":"Leg A","unit":"t","gain":0.5,"send":{"policy":"change","band":1}}],"derived":[]}',
  '{"ports":[{"name":"radio","path":"/dev/ttyUSB0","transmit":true},{"name":"other","path":"usb","driver":"hid"}]}',
  '{"uplink":{"host":"other.example.org","port":443,"proxy":{"url":"http://proxy.example.org:3128","user":"mast"}}}',
  '{"uplink":{"host":"cloud.example.org","proxy":{"url":"socks5://elsewhere.example.org:1080"}},"health":{"interval_seconds":5}}',
  '{"update":{"window":"22:00-01:00"},"unconfigured":{"sightings":1,"max_series":0},"copies":{"window_ms":0}}',
  '{"gateway":{"id":"x"},"enrolment":{},"drivers":[],"control":{},"clock":{},"journal":{},"uplink":{"authority":"x"}}',
];
