"""Wordings of each statement of Penstock, as clauses without a full stop.

"[a|b]" is a choice and "{slot}" a value. Slots: n "rule 40", num "40"; a, b the zones of a rule, d
"to b" or nothing; t its traffic, o the same after a verb, w its schedule, first at the front; u a
tunnel; ra, rb, ru, ws, tt the same in shorthand. z a zone, zs several; p a port, ps several; m a
model with its article; s, days, hours, start, end a schedule; ip an address.
"""

ALLOW = (
    "{n}: [let|allow|permit|pass] {t} from {a} [to|into] {b}{w}",
    "[please |]add {n} [to allow|to permit|which allows] {t} from {a} [to|into] {b}{w}",
    "{first}{a} [may|can|should be able to|is allowed to] [reach|talk to|connect to|get to] {b}"
    "{o}, [make it|put it in as|that is|as] {n}",
    "let {a} [reach|talk to|get through to] {b}{o}{w}[ with| as| using] {n}",
    "open {b} [to|for] {a}{o}{w} as {n}",
    "{first}{t} from {a} to {b} [is fine|is ok|should pass|must be let through|has to get through]"
    ", {n}",
    "{b} [has to|must|should] accept {t} [from|coming from] {a}{w}, [use|in|under] {n}",
    "under {n} [permit|pass|allow] {t} [out of|from] {a} [towards|into|to] {b}{w}",
    "we need {t} to get from {a} to {b}{w}, [use|put it at|take] {n}",
    "{num} allow {ra} [->|>|to] {rb} {tt}{ws}",
    "rule {num} [allow|permit|ok] {ra} [->|=>|to] {rb} {tt}{ws}",
    "[grant|give] {a} access to {b}{o}{w} [through|with|by] {n}",
    "it is requested that {t} [originating in|arriving from] {a} be permitted into {b}{w} ({n})",
    "for {n}: source {a}, destination {b}, {t}, [action allow|to be allowed]{w}",
    "{n} [should|shall|is to] allow {a} to [open connections to|reach|contact] {b}{o}{w}",
    "[make|punch] a hole from {a} to {b} for {t}{w}, {n}",
    "[can you|could you|could somebody] put in an allow from {a} to {b} for {t}{w} as {n}",
    "{t} [going|travelling] from {a} to {b} [shall be|is to be] [accepted|let through]{w} by {n}",
    "[from|coming from] {a} to {b}, allow {t}{w}, and number it {num}",
    "{first}let {t} through from {a} to {b}, {n}",
)

DENY = (
    "{n}: [block|deny|drop|refuse|stop] {t} from {a} [to|into] {b}{w}",
    "[please |]add {n} [to block|to deny|which drops|to stop] {t} from {a} to {b}{w}",
    "{first}{a} [must not|may not|should not|is not allowed to|has no business to] "
    "[reach|talk to|connect to|get to] {b}{o}, {n}",
    "keep {a} [out of|away from|off] {b}{o}{w} with {n}",
    "{n}: nothing from {a} to {b}{o}{w}",
    "{first}{t} from {a} to {b} [is forbidden|is not wanted|must not pass|has to be dropped], {n}",
    "{b} [must|should|has to] refuse {t} [from|coming from] {a}{w}, under {n}",
    "close {b} [to|for] {a}{o}{w} as {n}",
    "{num} deny {ra} [->|>|to] {rb} {tt}{ws}",
    "rule {num} [deny|block|drop] {ra} [->|=>|to] {rb} {tt}{ws}",
    "it is requested that {t} [originating in|from] {a} be [denied|refused] access to {b}{w} ({n})",
    "for {n}: source {a}, destination {b}, {t}, [action deny|to be dropped]{w}",
    "{n} [should|shall] [stop|prevent] {a} from reaching {b}{o}{w}",
    "we do not want {a} [talking to|reaching|getting at] {b}{o}{w}, {n}",
    "[throw away|discard|drop] {t} [going|sent] from {a} to {b}{w}, [as|by] {n}",
    "[from|coming from] {a} to {b}, deny {t}{w}, and number it {num}",
    "cut {a} off from {b}{o}{w}, {n}",
    "bar {t} from {a} [to|into] {b}{w}, {n}",
    "[can you|could you|could somebody] shut {b} to {a}{o}{w} by {n}",
)

DIVERT = (
    "{n}: [divert|send|push|route] {t} from {a}{d} [into|through|via] {u}{w}",
    "[please |]add {n} [to divert|to send|to push] {t} from {a}{d} into {u}{w}",
    "{first}{t} from {a}{d} [goes|should go|must go|is to go] [into|through|down] {u}, {n}",
    "{u} [takes|is to take] {t} from {a}{d}{w}, {n}",
    "[tunnel|redirect] {t} [leaving|from|out of] {a}{d} [through|via|by way of] {u}{w} as {n}",
    "{num} divert {ra} [->|>|to] {rb} {tt} [tunnel|via|into] {ru}{ws}",
    "rule {num} divert {ra} [->|=>|to] {rb} {tt} [tunnel|via] {ru}{ws}",
    "use {u} for {t} from {a}{d}{w}, [that is|make that|call it] {n}",
    "{n} shall divert {t} [originating in|from] {a}{d} into {u}{w}",
    "for {n}: source {a}, destination {b}, {t}, divert into {u}{w}",
    "it is requested that {t} from {a}{d} be [sent|diverted] [into|through] {u}{w} ({n})",
    "[can you|could you] [steer|push|shove] {t} from {a}{d} into {u}{w} as {n}",
    "with {n}, {first}{t} [coming out of|from] {a}{d} [enters|takes|uses] {u}",
    "have {u} carry {t} from {a}{d}{w}, {n}",
    "put {t} from {a}{d} [down|through|into] {u}{w}, number {num}",
    "[as of now|from today] {t} from {a}{d} leaves by {u}{w}, {n}",
    "{a} [sends|should send|is to send] {t}{d} [through|via] {u}{w}, {n}",
)

DEVICE = (
    "the [gateway|unit|box|device] is called {g}, [it is |]{m}",
    "device [name|called] {g}, {m}",
    "it is {m} [named|called] {g}",
    "set the device line to {g}, {m}",
    "we have {m} here [named|called|that goes by the name of] {g}",
    "{g} is {m}",
    "hardware is {m}, name is {g}",
    "we mounted {m} today, [it shall be known as|call it|its name is] {g}",
    "call the gateway {g}, the label on its side says {m}",
    "station gateway {g} ({m})",
    "[start|begin] the file with {g}, {m}",
    "the box that hangs there is {m} and answers to {g}",
    "[this file is|the config is] for {g}, {m}",
    "name the gateway {g}, we ordered {m} for it",
    "replaced by {m}, [it keeps the name|the name stays] {g}",
)

ZONE = (
    "[add|create|declare|make|set up] [a|one] zone [called|named] {z}",
    "one new zone, {z}",
    "we need [a|another] zone {z}",
    "{z} [becomes|is to be|should be|is] a zone [of its own|here]",
    "declare {z} as a zone",
    "zone {z} [is missing|does not exist yet|has to be added|goes in]",
    "put {z} in the zones block",
    "there should be a zone by the name of {z}",
    "introduce the {z} zone",
    "let there be a zone {z}",
    "the [new kit|rest of it] gets a zone called {z}",
    "[the|our] zone list [gets|gains|needs] {z}",
    "split off a zone named {z}",
    "zone: {z}",
)

ZONES = (
    "zones: {zs}",
    "[add|create|declare|set up] zones {zs}",
    "we need zones {zs}",
    "{zs} [are|become|shall be] zones [here|of their own]",
    "{many} zones, {zs}",
    "the zone list is {zs}",
    "put {zs} in the zones block",
    "declare {zs} as zones",
    "there should be zones called {zs}",
    "separate the kit into {many} zones: {zs}",
    "zones to declare are {zs}",
    "{zs} [are missing|do not exist yet] as zones",
    "[please |]introduce {many} zones named {zs}",
)

PORT = (
    "[put|move|assign|take] {p} [in|into|to] {z}",
    "{p} [belongs to|goes to|is for|is in|joins] {z}",
    "{p} [->|=] {rz}",
    "{p}: {rz}",
    "[plug|wire|patch] {p} into {z}",
    "{z} [gets|has|is on|uses|hangs on] {p}",
    "the cable in {p} is for {z}",
    "{p} should be [part of|in|a member of] {z}",
    "assign {z} to {p}",
    "let {p} serve {z}",
    "make {p} [part of|a port of] {z}",
    "[whatever is plugged into|the thing on] {p} is in {z}",
    "{p} shall be allocated to {z}",
    "[tie|bind] {p} to {z}",
    "use {p} for {z}",
)

PORTS = (
    "{ps} [belong to|go to|are for|are in|join] {z}",
    "[put|move] {ps} in {z}",
    "{z} [gets|has|uses] {ps}",
    "assign {ps} to {z}",
    "{ps} shall be allocated to {z}",
    "[the cables|whatever is plugged] in {ps} [are|is] for {z}",
    "{ps}: {rz}",
    "use {ps} for {z}",
    "make {ps} part of {z}",
    "[tie|bind] {ps} to {z}",
    "both the wiring plan and I say {ps} sit in {z}",
    "let {ps} serve {z}",
)

SCHEDULE = (
    "[add|create|define|set up] [a|the] schedule [called|named] {s}, {days} {hours}",
    "schedule {s}: {days}, {hours}",
    "schedule {s} runs {days} {hours}",
    "{s} means {days} {hours}, that is a schedule",
    "{days} {hours} is to be called schedule {s}",
    "we need a schedule {s} that is in force {days} {hours}",
    "call it {s}: a schedule, {days}, {hours}",
    "{hours}, {days}, [make|call] that schedule {s}",
    "a schedule by the name of {s} shall apply {days} {hours}",
    "for the {s} schedule take {hours} {days}",
    "set schedule {s} to {days}, start {start}, end {end}",
    "schedule {s} should start at {start} and end at {end} {days}",
    "[begin|open] schedule {s} at {start} and close it at {end}, {days}",
    "the hours of schedule {s} are {start} to {end}, {days}",
    "let schedule {s} cover {hours} {days}",
)

TUNNEL = (
    "[add|set up|create|build] [a|the] tunnel [called|named] {u} to {ip}, zone {rz}",
    "tunnel {u}: peer {ip}, zone {rz}",
    "we need a tunnel {u} [with its peer at|to the peer|ending at] {ip} [for|in] {z}",
    "the peer of tunnel {u} is {ip} and it belongs to {z}",
    "{ip} is the far end of tunnel {u}, which belongs to {z}",
    "[dig|open] a tunnel from {z} to {ip} and call it {u}",
    "connect {z} with {ip} [through|by] a tunnel named {u}",
    "for {z}, tunnel {u} with peer {ip}",
    "a tunnel by the name of {u} shall lead to {ip}, its zone shall be {rz}",
    "tunnel {u} goes to {ip} and sits in {z}",
    "point tunnel {u} at {ip}, it is part of {z}",
    "the concentrator at {ip} is the peer, the tunnel is called {u}, the zone is {rz}",
    "far end {ip}, near end {z}, tunnel name {u}",
    "put a tunnel {u} in {z}, other end {ip}",
    "{z} gets [a|its own] tunnel {u} to {ip}",
)
