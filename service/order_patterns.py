"""What orders to a model look like, folded as `service.orders` folds text.

Each is told by its form, which texts for people seldom have. `tests/test_service_orders.py` holds
that nothing in the demo company's documents is taken for one.
"""

_AI = (
    r"(?:ai|a\.i\.|llm|language model|chat ?bot|chatgpt|"
    r"(?:ai|helpful|virtual|digital|language|unrestricted|evil) assistant)s?"
)
_AI_WORDS = "ai ais i llm llms model models bot bots chatbot chatbots chatgpt assistant assistants"
_OBJECT = (
    r"(?:\s*[:\"'“‘«`]|"
    r"\s+(?:with\s+)?(?:the\s+)?(?:word|words|phrase|string|text|code|token)\b)"
)
_ASKED = r"(?:every|any|all|each)\s+(?:\w+\s+)?(?:questions?|quer(?:y|ies)|prompts?)"
_ONLY = r"(?:only|exclusively|solely|exactly|just|simply|nothing but|instead)"
_VOID = r"(?:wrong|false|outdated|fake|untrusted|unreliable|void|obsolete|superseded)"

RULES: tuple[tuple[str, str], ...] = (
    # What was said before is to count no more.
    (
        "ignore disregard forget override overrule bypass discard",
        r"\b(?:ignore|disregard|forget|override|overrule|bypass|discard)\b[^.!?\n]{0,60}?"
        r"\b(?:instruct\w+|prompts?|guidelines|directives?|programming)\b",
    ),
    (
        "ignore disregard forget override discard",
        r"\b(?:ignore|disregard|forget|override|discard)\b[^.!?\n]{0,30}?"
        r"\b(?:previous|prior|above|preceding|earlier|other|your)\b[^.!?\n]{0,20}?"
        r"\b(?:rules|passages|context|documents|sources|commands|constraints|restrictions|"
        r"directions|orders)\b",
    ),
    (
        "ignore disregard forget",
        r"\b(?:ignore|disregard|forget)\s+(?:everything|all)\s+"
        r"(?:above|before|else|you|that came)\b",
    ),
    (
        "ignoriere ignorieren ignoriert vergiss vergessen missachte missachten",
        r"\b(?:ignorier\w*|vergiss|vergessen sie|missachte\w*)\b[^.!?\n]{0,60}?"
        r"\b(?:anweisung|instruktion|vorgabe)",
    ),
    (
        "ignore ignorer ignorez oublie oublier oubliez ignora olvida",
        r"\b(?:ignore[rz]?|oublie[rz]?|ignora|olvida)\b[^.!?\n]{0,40}?"
        r"\b(?:les|las|toutes|todas|vos|tus)\b[^.!?\n]{0,30}?\b(?:instruc|consigne|indicacion)",
    ),
    # A new role.
    (_AI_WORDS, rf"\byou are (?:now |no longer )?an? (?:\w+ ){{0,2}}{_AI}\b"),
    (
        "now",
        r"\byou are now (?:dan\b|an? (?:\w+ ){0,2}(?:assistant|model|bot)\b|"
        r"in (?:\w+ )?(?:developer|debug|god|jailbreak|dan|unrestricted)\b)",
    ),
    ("pretend imagine", r"\b(?:pretend|imagine) (?:that )?you(?:'re| are)\b"),
    ("model assistant", r"\bas an? (?:ai|(?:large )?language) (?:model|assistant)\b"),
    (
        "your",
        r"\byour (?:new|real|true|actual|only|updated|sole) "
        r"(?:task|role|job|objective|goal|mission|instructions?|purpose|directives?) (?:is|are)\b",
    ),
    (
        "instruction instructions",
        r"\b(?:new|updated|revised|additional|hidden|secret) (?:system )?instructions?\s*"
        rf"(?:for|to) (?:you\b|(?:the |all |any )?{_AI}\b)",
    ),
    # A model is spoken to.
    (
        "note message attention instruction instructions notice memo reminder hint",
        r"\b(?:note|message|attention|instructions?|notice|memo|reminder|hint)\s+(?:to|for)\s+"
        rf"(?:the |all |any |every |your )?(?:{_AI}\b|assistants?\s*[:.!-])",
    ),
    ("dear hey hello hi attention", rf"\b(?:dear|hey|hello|hi|attention),? (?:all )?{_AI}\b"),
    (
        "ai llm assistant chatbot chatgpt model",
        r"(?:^|[\n.!?]\s*)(?:ai|llm|language model|assistant|chat ?bot|chatgpt)s?\s*[,:!]\s"
        r"[^.!?\n]{0,60}?\b(?:you|please|ignore|answer|respond|reply|say|do not|always|must)\b",
    ),
    (_AI_WORDS, rf"\b(?:if|when|since|because) you(?:'re| are) (?:an? )?(?:\w+ )?{_AI}\b"),
    (
        "system developer admin administrator",
        r"\b(?:begin|end|start of|new|updated|emergency) "
        r"(?:system|developer|admin(?:istrator)?) (?:prompt|message|instructions?|override)\b",
    ),
    (
        "system developer assistant human instruction response",
        r"[\[<{#*=]\s*(?:system|developer)[ _](?:prompt|override|message|instructions?|update)"
        r"\s*[\])>}#*=:-]|#{2,}\s*(?:system|assistant|human|instruction|response)\s*:|"
        r"\[#?system\]\s*[(:]",
    ),
    (
        "system developer assistant",
        r"\b(?:system|developer|assistant)(?: (?:prompt|override|message|note))?\s*:\s*"
        r"[^\n]{0,80}?\b(?:you (?:are|must|will)|ignore|disregard|respond with|reply with|"
        r"answer with|the answer (?:is|to)|sure[,!]|understood|of course)",
    ),
    (
        "assistant ai bot",
        r"\b(?:user|human)\s*:[^\n?]{0,300}\?\s*(?:assistant|ai|bot)\s*:",
    ),
    # What is to be said.
    (
        "answer respond reply output print say write return state repeat",
        r"\b(?:answer|respond|reply|output|print|say|write|return|state|repeat)\s+"
        rf"{_ONLY}(?:\s+with)?{_OBJECT}",
    ),
    ("answer respond reply", rf"\b(?:answer|respond|reply) {_ONLY} with\b"),
    (
        "answer respond reply",
        rf"\b(?:answer|respond to|reply to) {_ASKED}(?: \w+){{0,4}}? (?:with|by saying){_OBJECT}",
    ),
    (
        "answer answers response reply replies",
        rf"\b(?:answers?|response|reply|replies) to {_ASKED}(?: \w+){{0,4}}? "
        r"(?:is|are|must|should|will|shall)\b",
    ),
    (
        "always must now instead",
        rf"\b(?:always|must|now|instead,?) (?:answer|reply|respond|say|output)(?: with)?{_OBJECT}",
    ),
    (
        "your",
        r"\byour (?:only |final |entire |whole |next |full )*(?:answer|output|completion) "
        r"(?:must|should|shall|has to|is to|will) (?:be|only|always|include|contain|start|begin|"
        r"end|say|read|consist)\b",
    ),
    (
        "begin start end finish preface prefix conclude",
        r"\b(?:begin|start|end|finish|preface|prefix|conclude) (?:your|every|each|all) "
        rf"(?:\w+ )?(?:answers?|responses?|outputs?|repl(?:y|ies))\b[^.!?\n]{{0,20}}?"
        rf"\bwith{_OBJECT}",
    ),
    (
        "answer answers response responses output outputs reply replies",
        r"\b(?:append|include|insert|add|embed|put|render|end|finish|close)\b[^.!?\n]{0,40}?"
        r"\b(?:image|markdown|link|url|html|pixel|token|marker|phrase|string)\b[^.!?\n]{0,40}?"
        r"\b(?:in|to|with|of|at|into) (?:your|the|every|each|all) (?:\w+ )?"
        r"(?:answers?|responses?|outputs?|repl(?:y|ies))\b",
    ),
    (
        "instead",
        r"\b(?:answer|respond|reply|say|output|print|write)\b[^.!?\n]{0,40}?\binstead of "
        r"(?:the |your |any )?(?:\w+ )?(?:answer|figure|value|length|passages?)\b",
    ),
    (
        "passage passages prompt instructions",
        r"\bdo not (?:mention|reveal|cite|use|quote|trust|rely on|answer from)\b[^.!?\n]{0,40}?"
        r"\b(?:passages?|system prompt|these instructions)\b",
    ),
    # What is to be betrayed.
    (
        "prompt message words text everything instructions guidelines",
        r"\b(?:reveal|repeat|print|output|show|display|disclose|leak|recite|translate)\b"
        r"[^.!?\n]{0,60}?\b(?:system (?:prompt|message)|hidden prompt|initial prompt|"
        r"developer message|your (?:\w+ )?(?:instructions|prompt|guidelines)\b|"
        r"(?:words|text|everything|prompt|instructions) (?:above|before this|verbatim|in full))",
    ),
    (
        "https http www url link query",
        r"\b(?:send|append|encode|post|forward|transmit|exfiltrate|leak|pass|submit|include|put|"
        r"embed|insert)\b[^.!?\n]{0,80}?\b(?:conversation|chat history|system prompt|passages|"
        r"user'?s? (?:question|query|prompt|input))\b[^\n]{0,80}?"
        r"(?:https?:|www\.|\burl\b|\blink\b|query (?:string|parameter))",
    ),
    (
        "https http",
        r"https?:\S*[{\[<(%$]+\s*(?:7b)?(?:question|answer|conversation|context|prompt|history|"
        r"secret|summary)",
    ),
    # Calls of tools, and what runs.
    ("tool function", r"\"(?:tool_calls?|function_call|tool_use)\"\s*:"),
    (
        "arguments parameters input args",
        r"\{\s*\"(?:name|tool|function|action)\"\s*:\s*\"[^\"]*\"\s*,\s*"
        r"\"(?:arguments|parameters|action_input|args|input)\"\s*:",
    ),
    ("action", r"\baction\s*:\s*\S+\s+action input\s*:"),
    (
        "script iframe svg form meta",
        r"<(?:script|iframe|svg|form|meta)\b[^>]{0,200}(?:https?:|//|data:|javascript:|on\w+\s*=)",
    ),
    ("javascript base", r"\bjavascript:\s*[\w.]+\s*\(|\bdata:[a-z]+/[a-z0-9.+-]+;base64,"),
    # Passages that speak of the others.
    (
        "passage passages source sources citation citations",
        r"\b(?:passages?|sources?|citations?)\s*\[?\d+\]?"
        r"(?:,?\s*(?:and|to|through|-|–)\s*\[?\d+\]?)?\s+(?:is|are|was|were) (?:\w+ )?"
        rf"{_VOID}\b",
    ),
    ("passage", r"(?:^|\n)\s*\[?passage \[?\d+\]?\s*[:>]"),
    (
        "passage passages source sources",
        rf"\bother (?:passages?|sources?) (?:is|are) (?:\w+ )?{_VOID}\b",
    ),
)
"""Words, and the pattern of an order in which at least one of them stands."""
