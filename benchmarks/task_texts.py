# ruff: noqa: E501  (a prompt is one line)
"""Varied prompts per task, each with what it asks for and how hard it is, for the heads of the default artefact.

Every kind of request comes short and long, easy and hard, so that neither task nor difficulty can be read off the length:
the same easy question stands alone or after a page of small talk, the same hard one alone or with its context.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["TaskText", "task_texts"]

EASY, MIDDLING, HARD = 0.06, 0.4, 0.9

_PEOPLE = "my sister|my colleague Tom|our neighbour|a friend from school|my manager|grandma|the new intern|Ana|my son"
_PLACES = "Lisbon|the office|a small village|Denver|the seaside|Oslo|our garden|the train|Kyoto|the library"
_THINGS = "coffee|bicycles|rain|autumn|trains|cats|an old clock|the sea|a lost letter|bread|the moon|a lighthouse"
_LANGUAGES = "French|Spanish|German|Italian|Portuguese|Japanese|Dutch|Polish|Swedish|Turkish|Korean|Chinese"
_PROGRAMMING = "Python|JavaScript|Go|Java|Rust|C++|TypeScript|Ruby|Kotlin|C#"
_SMALL = "Monday|a dog|two hours|the red one|Paris|ten minutes|lunch|the blue car|tomorrow|the key"

_SENTENCES = (
    "The meeting was moved to the second floor because the heating is being repaired.",
    "Sales in the northern region rose slightly while the other regions stayed flat.",
    "She packed a sandwich, two apples and a bottle of water for the walk.",
    "The museum opens at ten and closes at six, except on Mondays.",
    "We received forty parcels in the morning and shipped most of them before noon.",
    "The committee thanked everyone who had helped with the summer fair.",
    "A light wind came from the west and the boats turned slowly at their moorings.",
    "The new printer is quieter than the old one but takes longer to warm up.",
    "Maria Lopez joined the company in 2019 and now leads the support team.",
    "After dinner the children played cards until it was time for bed.",
    "The recipe needs flour, butter, three eggs and a pinch of salt.",
    "Our flight to Madrid was delayed by forty minutes and boarded at gate 22.",
    "The library lends books for four weeks and films for one.",
    "Several customers asked whether the shop would open on Sunday.",
    "The bridge was painted green again after a long discussion in the council.",
    "He wrote the address on a card, put it in his pocket and forgot about it.",
)

_OPENERS = (
    "Hi there, I hope you are having a lovely day so far.",
    "Hello! First of all thanks a lot for being so patient with me, I really appreciate it.",
    "Good evening, sorry for the long message, I tend to ramble a little when I write.",
    "So I was sitting with {person} in {place} talking about {thing}, and we got to talking about all sorts of things.",
    "Quick background before I ask: we were on holiday in {place} last week and it rained most of the time.",
    "I know this is probably a silly thing to ask and you get much more interesting messages than mine.",
    "Yesterday {person} told me about {thing} for what felt like an hour, which was nice but also a bit tiring.",
    "This has been on my mind since breakfast and nobody around me seems to remember it.",
)
_CLOSERS = (
    "No need for a long answer, just the plain answer is fine. Thank you so much and have a great weekend!",
    "A single word would do, I only want to settle a small bet with {person}.",
    "Thanks in advance, and sorry again for taking up your time with something this small!",
    "That is all, I do not need any explanation or background, thanks.",
    "",
)
_CONTEXTS = (
    "We run this in production with about two thousand requests a second and cannot take downtime.",
    "Assume the reader knows the standard textbook material and wants complete rigour.",
    "State every assumption, treat the edge cases, and say where the argument would fail.",
    "Two earlier attempts by the team were wrong, so check every step before you conclude.",
    "The answer will be reviewed by specialists, so be exact and complete.",
    "Compare at least two approaches and justify the choice quantitatively.",
)

_EASY: dict[str, tuple[str, ...]] = {
    "chat": (
        "hi", "hello there", "thanks, that helped", "how are you today?", "good morning!", "tell me something nice",
        "who are you?", "what can you do?", "I am bored", "good night, talk to you tomorrow", "you are great, thank you",
        "do you like {thing}?", "I had a long day with {person}", "lol that was funny", "ok sounds good", "nice to meet you",
        "what should I call you?", "I feel a bit tired today", "can we talk for a minute?", "happy birthday to me!",
    ),
    "knowledge": (
        "What is the capital of {country}?", "How many days are in a week?", "What colour do you get from {mix}?",
        "Which ocean is between Europe and America?", "How many legs does a spider have?", "Who wrote Romeo and Juliet?",
        "What is the opposite of {word}?", "What does the word {word} mean?", "How many continents are there?",
        "In which country is {place}?", "What language do people speak in {country}?", "When is New Year's Day?",
        "Which planet do we live on?", "What animal says moo?", "What is the currency of {country}?",
        "How do you spell {word}?", "Is a tomato a fruit?", "How many months have 31 days?", "What is H2O?",
    ),
    "math": (
        "What is {a} + {b}?", "What is {a} minus {b}?", "What is {a} times {b}?", "half of {even}?",
        "If I buy {a} apples and eat {b}, how many are left?", "How many minutes are in {b} hours?",
        "Is {a} bigger than {b}?", "Round {a}.7 to a whole number.", "What is 10% of {a}0?", "double {a}",
        "{person} has {a} coins and gets {b} more. How many coins is that?", "Count from 1 to {b}.",
    ),
    "code": (
        "print hello world in {prog}", "How do I write a comment in {prog}?", "reverse a string in {prog}",
        "How do I get the length of a list in {prog}?", "Write a {prog} function that adds two numbers.",
        "What does len() do in Python?", "How do I read a file in {prog}?", "sort a list of numbers in {prog}",
        "How do I install a package with pip?", "loop from 1 to 10 in {prog}", "convert a string to an integer in {prog}",
        "What is the file extension of {prog}?", "rename a git branch", "check whether a number is even in {prog}",
    ),
    "translate": (
        "Translate '{phrase}' to {lang}.", "How do you say {phrase} in {lang}?", "{phrase} in {lang}?",
        "Put this into {lang}: {sentence}", "Translate to English: {foreign}", "What does {foreign} mean in English?",
    ),
    "summarise": (
        "Summarise this in one sentence: {paragraph}", "TL;DR of this please: {paragraph}",
        "Give me the main point of the following. {paragraph}", "Shorten this: {sentence} {sentence}",
        "Make this paragraph shorter: {paragraph}", "What is this text about? {paragraph}",
        "Here is a text.\n\n{paragraph}\n\n{paragraph}\n\nSummarize it briefly.",
    ),
    "extract": (
        "Extract all names from this text: {paragraph}", "List the dates mentioned here: {paragraph}",
        "Which city is mentioned in the following? {paragraph}", "Return the numbers in this text as JSON: {sentence}",
        "Pull the email address out of: please write to {word}@example.com before Friday",
        "What day is mentioned in this message? {sentence} See you on Friday.", "Find the person's name: {sentence}",
        "Below is an e-mail.\n\n{paragraph}\n\n{paragraph}\n\nWhich gate number is in it?",
    ),
    "creative": (
        "Write a two-line rhyme about {thing}.", "Make up a name for a cat.", "Give me a slogan for a shop that sells {thing}.",
        "Write a birthday wish for {person}.", "tell me a joke about {thing}", "haiku about {thing}",
        "Suggest a title for a photo of {thing}.", "Write one friendly sentence about {place}.",
    ),
    "reasoning": (
        "Tom is taller than Ana. Who is shorter?", "If today is Monday, what day is tomorrow?",
        "All dogs are animals. Rex is a dog. Is Rex an animal?", "Which comes first, breakfast or dinner?",
        "If it rains the street gets wet. It rains. Is the street wet?", "Which is heavier, a feather or a brick?",
        "I have a red and a blue ball and take the red one. Which is left?", "What comes next: 2, 4, 6, 8?",
    ),
    "other": (
        "set a timer for {b} minutes", "remind me to call {person}", "turn off the lights", "play some music",
        "Fix the spelling: {misspelt}", "Make this lower case: HELLO {word}", "Reply with OK.", "repeat after me: {sentence}",
        "add {thing} to my shopping list", "what's on my calendar today", "Put these in alphabetical order: pear, apple, fig",
        "Correct the grammar: she go to school every day", "change my reservation to {b} people", "cancel my order please",
        "Capitalise every word: {sentence}", "Remove the duplicates: a, b, a, c",
    ),
}  # fmt: skip

_HARD: dict[str, tuple[str, ...]] = {
    "math": (
        "Prove that {theorem}.", "Prove or disprove: {theorem}.", "Find all integer solutions of {equation}.",
        "Derive the asymptotic expansion of {asymptotic}.", "Compute the fundamental group of {space}.",
        "Show that {theorem}, without using the axiom of choice.", "Evaluate in closed form: {integral}.",
        "Classify all {algebra} up to isomorphism.", "Find the Galois group of {polynomial} over Q.",
        "Give a tight bound for {bound} and prove that it is tight.", "Determine whether {series} converges and why.",
    ),
    "code": (
        "Implement a lock-free {structure} in {prog}.", "Find the race condition in a {prog} {structure} with two writers.",
        "Design a {system} that survives network partitions.", "Write a {prog} parser for {grammar} with error recovery.",
        "Prove that your {prog} {structure} is linearizable.", "Why does my {prog} {system} deadlock under load and how do I fix it?",
        "Implement {algorithm} in {prog} in O(n log n) and prove the bound.", "Write a {prog} memory allocator with thread caches.",
        "Refactor a {prog} monolith into a {system} without downtime.", "Implement incremental garbage collection in {prog}.",
        "Optimise {algorithm} for cache locality with SIMD in {prog}.",
    ),
    "reasoning": (
        "{n} prisoners see the others' hats but not their own; find a strategy that maximises survivors and prove it optimal.",
        "Five houses in a row have different colours, owners, pets and drinks. {clue} {clue} {clue} Who owns the fish?",
        "Is {paradox} a genuine contradiction? Formalise it and resolve it.",
        "Design a mechanism that makes truthful bidding dominant in {auction}.",
        "Which assumption of {argument} fails, and can the conclusion be rescued?",
        "Work out the subgame perfect equilibrium of {auction} with incomplete information.",
        "What causal assumptions identify the effect of {policy} from observational data, and how could each be violated?",
        "Twelve coins, one is fake, three weighings: decide which and whether it is lighter, and prove three are needed.",
    ),
    "knowledge": (
        "Explain how {physics} follows from {principle}.", "Compare the holdings on {law} and say which survives later cases.",
        "Derive {physics} from first principles.", "What is the differential diagnosis of {symptoms}?",
        "Why does {chemistry} proceed with inversion, and when does it not?", "Reconcile {philosophy} with {principle}.",
        "Explain the mechanism of {biology} and what knocking it out would do.",
        "Which monetary policy is consistent with {economics}, and why?", "Criticise {philosophy} from the standpoint of {argument}.",
    ),
    "creative": (
        "Write a sestina about {thing} in iambic pentameter in which every end word changes its meaning.",
        "Write a story about {thing} that reads the same backwards by paragraphs.",
        "Compose a villanelle on {thing} whose refrains argue opposite positions.",
        "Write a dialogue in the style of Plato in which {philosophy} is defended and then overturned.",
        "Write a lipogram without the letter e about {place} that hides a second story in its initials.",
    ),
    "translate": (
        "Translate a sonnet on {thing} into {lang}, keeping metre, rhyme and the pun in the last line.",
        "Render this contract clause into {lang} with terms of art that a court there would accept: {clause}",
        "Translate into {lang} and keep the ambiguity: {clause}",
    ),
    "summarise": (
        "Summarise the disagreement between {philosophy} and {argument} so that both sides would accept it.",
        "Condense the proof that {theorem} to its key idea without losing rigour.",
        "Reduce this clause to its operative effect and list what it leaves open: {clause}",
    ),
    "extract": (
        "Extract every obligation, its debtor, condition and deadline, including those implied: {clause}",
        "List the unstated premises on which the argument for {philosophy} rests, with where each enters.",
        "From this clause extract a state machine of the parties' rights: {clause}",
    ),
    "other": (
        "Plan a {n}-person expedition across {place} under conflicting constraints on weight, daylight and budget.",
        "Draft a migration plan for {system} with rollback at each step and quantified risks.",
        "Schedule {n} surgeons over {n} theatres so that no constraint on rest is broken and prove it is optimal.",
    ),
}  # fmt: skip

_MIDDLING: dict[str, tuple[str, ...]] = {
    "math": (
        "Solve for x: {a}x + {b} = {even}.", "A train leaves {place} at {b} km/h and another follows an hour later at {a} km/h. When do they meet?",
        "Find the derivative of x^{b} sin(x).", "What is the probability of two sixes in {b} throws?",
    ),
    "code": (
        "Write a {prog} function that merges two sorted lists.", "Write a SQL query for the second highest salary per department.",
        "Write a {prog} class for a bank account with tests.", "How do I call a REST API with retries in {prog}?",
        "Write a regular expression for phone numbers and explain it.", "Convert this loop into a {prog} comprehension and handle missing keys.",
    ),
    "knowledge": (
        "Explain photosynthesis to a student.", "What were the causes of the First World War?", "How does a vaccine work?",
        "What is the difference between TCP and UDP?", "Explain inflation in simple terms.", "How do tides arise?",
    ),
    "reasoning": (
        "Should we buy or rent the {thing} machine if we use it {b} times a month? Give pros and cons.",
        "Ana sits left of Bo, Cy sits right of Bo, Di is not at an end. In which order do they sit?",
        "What are the second-order effects of closing {place} to cars?",
    ),
    "creative": (
        "Write a short story about {thing} set in {place}.", "Write a cover letter for a job in {place}.",
        "Write a product description for {thing}, 100 words.", "Write a speech for {person}'s wedding.",
    ),
    "translate": ("Translate this paragraph into {lang}: {paragraph}", "Translate into formal {lang}: {sentence} {sentence}"),
    "summarise": (
        "Summarise this report in five bullet points and name the risks: {paragraph} {paragraph} {paragraph}",
        "Compare these two notes and summarise where they differ. {paragraph} --- {paragraph}",
    ),
    "extract": (
        "Turn this text into a JSON object with people, places and times: {paragraph} {paragraph}",
        "Make a table of who did what when: {paragraph} {paragraph}",
    ),
    "chat": ("I had a fight with {person} and do not know what to say.", "Can you cheer me up? Work in {place} is hard."),
    "other": ("Plan a three-day trip to {place}.", "Plan the meals of a week for {b} people.", "Write an agenda for a meeting on {thing}."),
}  # fmt: skip

_SLOTS: dict[str, str] = {
    "person": _PEOPLE,
    "place": _PLACES,
    "thing": _THINGS,
    "lang": _LANGUAGES,
    "prog": _PROGRAMMING,
    "small": _SMALL,
    "country": "Spain|Japan|Brazil|Egypt|Canada|Norway|Italy|Peru|Kenya|Poland|Thailand|Greece",
    "mix": "red and yellow|blue and yellow|black and white|red and white",
    "word": "happy|quick|bright|early|generous|narrow|ancient|quiet|fragile|hot",
    "phrase": "good morning|thank you very much|where is the station|see you tomorrow|I am hungry|happy birthday|the bill please",
    "foreign": "guten Morgen|où est la gare|hasta mañana|molto bene|obrigado|bonne nuit|vielen Dank",
    "misspelt": "recieve the adress tommorow|definately a grate idea|I beleive in you|seperate the wierd ones",
    "theorem": "every finite integral domain is a field|a continuous bijection from a compact space to a Hausdorff space is a "
    "homeomorphism|there are infinitely many primes congruent to 3 modulo 4|every bounded entire function is constant|"
    "the set of algebraic numbers is countable|every group of order p squared is abelian|the dual of l1 is l-infinity|"
    "a uniform limit of continuous functions is continuous|every tree on n vertices has n - 1 edges|"
    "a subgroup of a free group is free|the spectrum of a bounded operator is not empty",
    "equation": "x^2 - 7y^2 = 1|x^3 + y^3 = z^2|y^2 = x^3 - 2|x^2 + y^2 = 3z^2|2^x - 3^y = 1",
    "asymptotic": "the partition function|n! to third order|the Airy function|the prime counting function|a Bessel function",
    "space": "the Klein bottle|the complement of a trefoil knot|SO(3)|a torus with two punctures|a wedge of two circles",
    "integral": "the integral of ln(x)/(1+x^2) from 0 to infinity|the sum of 1/(n^2+1)|the Gaussian integral of x^4|"
    "the integral of sin(x)/x over the real line",
    "algebra": "groups of order 12|rings with four elements|simple modules over a path algebra|real division algebras",
    "polynomial": "x^5 - 4x + 2|x^4 + 1|x^3 - 3x + 1|x^6 - 2",
    "bound": "the Ramsey number R(3, k)|the mixing time of a card shuffle|the VC dimension of half-spaces|sorting networks",
    "series": "the sum of sin(n)/n|the sum of 1/(n ln n)|the product of (1 + 1/n^2)|the sum of n!/n^n",
    "structure": "queue|hash map|skip list|ring buffer|work-stealing deque|B-tree|priority queue|LRU cache",
    "system": "distributed rate limiter|consensus protocol|replicated log|multi-tenant scheduler|event-sourced ledger|CRDT store",
    "grammar": "a subset of SQL|arithmetic with user-defined operators|YAML|a lambda calculus|C declarations",
    "algorithm": "suffix array construction|minimum cost flow|Fast Fourier transform|convex hull|offline dynamic connectivity|"
    "stable matching|string matching with wildcards",
    "n": "seven|nine|twelve|fifteen|twenty|hundred",
    "clue": "The Norwegian lives in the first house.|The green house is left of the white one.|The owner of the dog drinks tea.|"
    "The middle one drinks milk.|The red house belongs to the Briton.|The horse is next to the yellow house.",
    "paradox": "the unexpected hanging|Newcomb's problem|the sleeping beauty problem|Berry's paradox|the two envelopes",
    "auction": "a second-price auction with externalities|a repeated procurement auction|a matching market with two sides",
    "argument": "the ontological argument|the doomsday argument|Hume on miracles|the Chinese room|a Dutch book argument",
    "policy": "a minimum wage rise|a school voucher|a carbon tax|a travel ban",
    "physics": "the Lamb shift|Hawking radiation|superconductivity|the Casimir effect|Landau damping|the Kondo effect",
    "principle": "gauge invariance|the equivalence principle|detailed balance|least action|the fluctuation-dissipation theorem",
    "law": "standing in environmental suits|proximate cause|piercing the corporate veil|adverse possession|prior restraint",
    "symptoms": "painless jaundice with weight loss|thunderclap headache with a normal scan|ascending weakness after diarrhoea|"
    "hyponatraemia with low urine sodium",
    "chemistry": "an SN2 reaction at a neopentyl centre|an electrocyclic ring closure|a Wittig olefination|a Grignard addition",
    "philosophy": "moral realism|the categorical imperative|functionalism about mind|epistemic contextualism|two-dimensional semantics",
    "biology": "nonsense-mediated decay|allosteric control of haemoglobin|homologous recombination|the unfolded protein response",
    "economics": "a liquidity trap|Ricardian equivalence|the impossible trinity|a Phillips curve that has flattened",
    "clause": "The Supplier shall, save where the Purchaser has waived in writing its rights hereunder, indemnify the Purchaser "
    "against losses arising out of defects notified within ninety days of delivery, unless such defects were apparent on inspection.|"
    "Neither party may assign this agreement, whether by operation of law or otherwise, without consent, which shall not be "
    "withheld unreasonably, provided that a change of control shall be deemed an assignment.",
}


@dataclass(frozen=True, slots=True)
class TaskText:
    """One prompt and its labels."""

    text: str
    task: str
    difficulty: float
    template: str
    """What it was made from; texts of one template are never split between fitting and measuring."""


def task_texts(per_template: int, seed: int) -> Iterator[TaskText]:
    """Yield prompts of every task, short and long, easy and hard; the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311  (reproducible variety, not secrets)
    for difficulty, templates in ((EASY, _EASY), (MIDDLING, _MIDDLING), (HARD, _HARD)):
        for task, variants in templates.items():
            for template in variants:
                seen: set[str] = set()
                for i in range(per_template):
                    text = _dressed(_filled(template, rng), difficulty, i, rng)
                    if text not in seen:
                        seen.add(text)
                        yield TaskText(text, task, difficulty, template)


def _filled(template: str, rng: random.Random) -> str:
    """Replace every slot, also those that a replacement brings."""
    text = template
    while "{" in text:
        start = text.index("{")
        end = text.index("}", start)
        text = text[:start] + _slot(text[start + 1 : end], rng) + text[end + 1 :]
    return text


def _slot(name: str, rng: random.Random) -> str:
    match name:
        case "a":
            return str(rng.randint(6, 60))
        case "b":
            return str(rng.randint(2, 6))
        case "even":
            return str(2 * rng.randint(4, 40))
        case "sentence":
            return rng.choice(_SENTENCES)
        case "paragraph":
            return " ".join(rng.sample(_SENTENCES, rng.randint(2, 6)))
        case _:
            return rng.choice(_SLOTS[name].split("|"))


def _dressed(core: str, difficulty: float, turn: int, rng: random.Random) -> str:
    """Leave every other text bare; give the others small talk if they are easy and requirements if they are hard."""
    if turn % 2 == 0:
        return core if rng.random() < 0.7 else core.lower().rstrip(".?")
    if difficulty == EASY:
        before = rng.sample(_OPENERS, rng.randint(1, 4))
        return _filled(" ".join([*before, core, rng.choice(_CLOSERS)]), rng).strip()
    if difficulty == HARD:
        return " ".join([core, *rng.sample(_CONTEXTS, rng.randint(1, 3))])
    opener = rng.choice(_OPENERS) if rng.random() < 0.5 else ""
    return _filled(f"{opener} {core}".strip(), rng)
