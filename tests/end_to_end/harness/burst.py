"""Callers that all call at once."""
import threading

PATIENCE = 90.0


def burst(gates, target, token, count, method="GET", body=None):
    """`count` calls, each over a connection of its own that stands before the first is made, spread
    over the gates. The answers; a caller that heard none stands for itself as the exception."""
    barrier = threading.Barrier(count)
    answers = [None] * count

    def work(number):
        gate = gates[number % len(gates)]
        try:
            with gate.caller(patience=PATIENCE) as caller:
                barrier.wait(PATIENCE)
                caller.request(method, target, [("Authorization", f"Bearer {token}")], body)
                answers[number] = caller.response(method)
        except Exception as error:  # pylint: disable=broad-except
            answers[number] = error

    threads = [threading.Thread(target=work, args=(number,), daemon=True)
               for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    heard = b"\n".join(answer.raw for answer in answers if not isinstance(answer, Exception))
    gates[0].heard.append((f"{count} times {method} {target}", heard))
    return answers


def summary(answers):
    """(status, code) -> how often; an exception counts as itself."""
    found = {}
    for answer in answers:
        if isinstance(answer, Exception):
            key = repr(answer)
        elif answer.value("Content-Type") == "application/problem+json":
            key = (answer.status, answer.json()["code"])
        else:
            key = (answer.status, "")
        found[key] = found.get(key, 0) + 1
    return found
