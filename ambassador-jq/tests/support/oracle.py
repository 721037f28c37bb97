"""jq itself: a line of JSON in, with a program and an input, a line out, with the outputs or an error."""

import json
import sys

import jq

for line in sys.stdin:
    asked = json.loads(line)
    try:
        text = jq.compile(asked["program"]).input_text(asked["input"]).text()
        answer = {"outputs": text.split("\n") if text else []}
    except Exception as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)
