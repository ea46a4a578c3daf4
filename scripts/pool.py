# SPDX-License-Identifier: MIT
"""A few tasks at a time."""
import queue
import threading


def run(tasks, workers):
    """Call each of the @tasks, @workers at a time, in this order.  The first that raises ends it."""
    waiting, raised = queue.SimpleQueue(), []
    for task in tasks:
        waiting.put(task)

    def work():
        while not raised:
            try:
                task = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                task()
            except BaseException as e:  # for run() to raise
                raised.append(e)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]
