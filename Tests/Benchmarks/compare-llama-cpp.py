"""Times generation with kvatlas against llama.cpp, in turns; run by compare-llama-cpp.sh.

One round is one run of each engine with each cache over one prompt: the prompt is read, then tokens are generated
greedily. kvatlas runs as a command and reports its own times; llama.cpp runs in a process of its own and is timed
around the same two parts. Loading is not counted. Medians over rounds are reported, and of memory the most: the resident
set of the process, mapped weights included, and for kvatlas what of it is beyond the file and the cache at its peak.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

# llama.cpp's numbers of element types.
LLAMA_CACHES = {"f16": (1, False), "f16+flash": (1, True), "q8_0+flash": (8, True), "q4_0+flash": (2, True)}


def llama(options):
    """Runs llama.cpp once, in a process that this script starts; prints prompt and generation rates."""
    import llama_cpp

    element_type, flash = LLAMA_CACHES[options.llama]
    with open(options.prompt_file, "rb") as file:
        text = file.read()
    model = llama_cpp.Llama(
        options.model,
        n_ctx=options.length + options.tokens,
        n_batch=512,
        n_threads=options.threads,
        n_threads_batch=options.threads,
        type_k=element_type,
        type_v=element_type,
        flash_attn=flash,
        verbose=False,
    )
    tokens = model.tokenize(text, add_bos=False)[: options.length]
    model.eval(tokens[:16])
    model.reset()
    start = time.perf_counter()
    model.eval(tokens)
    prompt = time.perf_counter() - start
    start = time.perf_counter()
    for _ in range(options.tokens - 1):
        model.eval([model.sample(temp=0.0, repeat_penalty=1.0)])
    generated = time.perf_counter() - start
    print(json.dumps([len(tokens) / prompt, (options.tokens - 1) / generated]))


def measured(command):
    """The output of a command, and its largest resident set in bytes."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise subprocess.CalledProcessError(os.waitstatus_to_exitcode(status), command)
    return output, 1024 * usage.ru_maxrss


def run_llama(options, cache, length, prompt_file):
    command = [sys.executable, __file__, "--llama", cache, "--length", str(length), "--prompt-file", prompt_file]
    command += ["--model", options.model, "--text", options.text, "--tokens", str(options.tokens)]
    command += ["--threads", str(options.threads), "--kvatlas", options.kvatlas]
    output, peak = measured(command)
    return *json.loads(output.splitlines()[-1]), peak, None


def run_kvatlas(options, cache, prompt_file):
    command = [options.kvatlas, "generate", "--model", options.model, "--prompt-file", prompt_file, "--cache", cache]
    command += ["--max-tokens", str(options.tokens), "--threads", str(options.threads), "--quiet", "--json", "-"]
    output, peak = measured(command)
    report = json.loads(output)
    beyond = peak - os.path.getsize(options.model) - report["peakCacheBytes"]
    return report["prefillTokensPerSecond"], report["decodeTokensPerSecond"], peak, beyond


def prompt_of(options, length):
    """The beginning of the text that has about so many tokens: found with llama.cpp's own tokenizer."""
    import llama_cpp

    model = llama_cpp.Llama(options.model, vocab_only=True, verbose=False)
    with open(options.text, "rb") as file:
        text = file.read(12 * length)
    tokens = model.tokenize(text, add_bos=False)[:length]
    return model.detokenize(tokens)


def main():
    parser = argparse.ArgumentParser(description="Times kvatlas against llama.cpp.")
    parser.add_argument("--kvatlas", required=True, help="the release build of kvatlas")
    parser.add_argument("--model", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--lengths", default="512,2048", help="tokens of the prompts")
    parser.add_argument("--caches", default="full-f16,kivi-2-g32-r128", help="kvatlas's")
    parser.add_argument("--llama-caches", default="f16,f16+flash", help="of " + ", ".join(LLAMA_CACHES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--tokens", type=int, default=64, help="to generate")
    parser.add_argument("--out", default="compare-llama-cpp.csv", help="the CSV file to write")
    parser.add_argument("--llama", help=argparse.SUPPRESS)
    parser.add_argument("--length", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--prompt-file", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.llama:
        llama(options)
        return
    rows = []
    for length in [int(part) for part in options.lengths.split(",")]:
        with tempfile.NamedTemporaryFile(suffix=".txt") as file:
            file.write(prompt_of(options, length))
            file.flush()
            rates = {}
            for _ in range(options.rounds):
                for cache in options.llama_caches.split(","):
                    rates.setdefault(("llama.cpp", cache), []).append(run_llama(options, cache, length, file.name))
                for cache in options.caches.split(","):
                    rates.setdefault(("kvatlas", cache), []).append(run_kvatlas(options, cache, file.name))
        best = [
            max(statistics.median(r[i] for r in rates[key]) for key in rates if key[0] == "llama.cpp") for i in (0, 1)
        ]
        for (engine, cache), found in rates.items():
            prompt, generated = (statistics.median(rate[i] for rate in found) for i in (0, 1))
            rows.append([length, engine, cache, f"{prompt:.1f}", f"{generated:.1f}"])
            rows[-1] += [f"{prompt / best[0]:.2f}", f"{generated / best[1]:.2f}", max(rate[2] for rate in found)]
            rows[-1].append(max(rate[3] for rate in found) if found[0][3] is not None else "")
            print("  ".join(f"{cell:>16}" for cell in map(str, rows[-1])), flush=True)
    header = ["tokens", "engine", "cache", "prefill_tokens_per_second", "decode_tokens_per_second"]
    with open(options.out, "w", newline="") as file:
        writer = csv.writer(file)
        header += ["prefill_over_llama_cpp", "decode_over_llama_cpp", "peak_bytes", "beyond_file_and_cache_bytes"]
        writer.writerow(header)
        writer.writerows(rows)
    print(options.out)


if __name__ == "__main__":
    main()
