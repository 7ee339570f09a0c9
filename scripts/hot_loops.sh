#!/usr/bin/env bash
# No calls in the kernels: disassembles the library as users build it, and fails where a function of
# a kernel calls what the list below does not allow. A closure of a function with target features is
# not inlined into `map` or `from_fn`, which have none, and then every vector goes through memory:
# that cost the AVX-512 kernel two thirds of its speed, and no test saw it.
#
# This machine's architecture, and aarch64 where its standard library is installed (musl's target
# needs no linker for a library); what is not here is skipped, aloud. Arguments: other targets.
set -euo pipefail
cd "$(dirname "$0")/.."

# Caller, callee, reason: regular expressions without blanks, on names without hashes. The loops
# themselves, `*_run` and `first_outside`, have no line here, and must not get one.
allowed() {
    cat <<'LIST'
::(is_available|has_scalar_extensions)$ ^std_detect::        asks the processor, once a block
::new$                          .                           makes a table, once a block
::decode(_[a-z_]*)?$            ::decode(_by|_with|_with_tables|_groups|_pairs|_side_by_side|_rest|_several|_payload|_last_words|_last_groups)?$ once for each few segments
::(decode|gather)::[a-z_]*$     ::(decode|gather|few)_run$  the loop itself, once a segment
::encode::[a-z_]*$              ::(encode|exact)_run$       the loop itself, once a segment
::encode_(groups|pairs|side_by_side)$ ::encode_(groups|pairs|side_by_side)$ once for each few segments
::decode(_[a-z_]*)?$            ::Segment::finish$          the scalar end, once a segment
::decode(_rest|_several|_last_words|_last_groups)?$ ^mem(cpy|set)$ a copy of the last words, once a segment
::decode_last_groups$           ::Segment::end_with$        what rides on the states, once a segment
::decode(_several|_with(_tables)?)?$ ::(Slots|Rounds)>::fill$   makes a table, once a block
::decode_(by|with|with_tables|groups|pairs|side_by_side)$ ^mem(cpy|set)$              states of some segments, before and behind the loop
.                               ::Words::(load|store)$      the same
Steps>::[a-z_]*$                ::(sse|pivot)(::[a-z_]*)?::(merge|part|pack|look_up)(_single)?$ the loop itself, once a node
Steps>::rank$                   ^(memcpy$|\*%)              the last symbols; the loop itself, by its address in a register
(::pivot(::part)?|Steps>)::part(_single)?$ ^memset$          the end of a bitmap, before the loop
::avx2::sort::sort$             ::symbols_of$               the symbols to sort, once a table
::avx2::sort::sort$             ^memcpy$                    the same
::lz::execute$                  .                           one step after the other, once a chunk
::lz_portable::execute$         ::(Sections::expand|Offsets::repeats)$ before the loop and behind it, once a chunk
::lz(::copy|_portable::execute)$ ::run(_long)?$              the loop itself, once a chunk
::lz(::copy|_portable::execute)::run(_long)?$ ::lz_copy::one$        a sequence with exact checks, near an end
::lz(::copy|_portable::execute)::run$ ::Group::(safe|reaches_back)$ what of a group needs no checks, near an end
::lz(::copy|_portable::execute)::run$ ::Run::unescaped$      a length that escapes: its registers are the loop's otherwise
::lz(::copy|_portable::execute)::run(_long)?$ ::Output::literals$    the literals behind the last sequence, once a chunk
::with_scalar_extensions$      (::grow_one|do_reserve_and_handle|panic_for_nonpositive_argument|^memset|::sequence_beyond|::common_bytes(_before)?|::escape_last_if_large|::streams::grow|::Nodes::begin|::resize)$ no kernel: what of the LZ encoder is scalar
::lz(::copy|_portable::execute)::run_long$ ^memcpy$          a match of 2 KiB or more, by the system's own copy
::avx2::lz::copy::run$          ::steps::prefetch$          addresses of matches ahead, once a group of a long block
::Rounds>::fill$                (^mem(cpy|set)|::Ranked::new|::Slots>::fill)$ makes a table, once a block
::crc32c::avx512::append_copying$ ^memcpy$                    what stands before and behind the loop, once a payload
::decode(_several|_by|_with|_with_tables|_groups|_pairs)?$ ^\*%                       makes a table: memset, by its address in a register
LIST
}

# Kernels that must be seen, or the disassembly shows nothing.
expected() {
    case $1 in
    x86_64*) echo sse2::merge sse2::merge_single avx2::decode::decode_run avx2::encode::exact_run avx2::encode::encode_run avx2::presence avx2::lz::copy::run avx2::lz::copy::run_long avx2::pivot::merge::merge avx2::pivot::look_up::unpack avx2::pivot::part::part avx2::sort::sort avx2::planes::merge avx2::planes::split avx2::planes::join avx512::pivot::merge avx512::pivot::unpack avx512::pivot::part avx512::sort::sort avx512::planes::merge avx512::planes::split avx512::planes::join avx512::rounds::Rounds::decode_run avx512::few::run::few_run avx512::gather::gather_run avx512::turns::decode_turns avx512::encode::encode_run avx512::lz::execute crc32c::avx2::append_blocks x86_64::with_scalar_extensions crc32c::avx512::append_long crc32c::avx512::append_copying lz_portable::execute::run lz_portable::execute::run_long ;;
    aarch64*) echo neon::decode::decode_run neon::encode::encode_run neon::presence neon::lz::copy::run neon::lz::copy::run_long neon::pivot::PivotSteps.*::merge neon::pivot::PivotSteps.*::unpack neon::pivot::PivotSteps.*::part neon::planes::merge neon::planes::split neon::planes::expand_zeros neon::planes::join lz_portable::execute::run lz_portable::execute::run_long ;;
    esac
}

# The functions of kernels in a library, also the portable copy loop, and for each call a line with
# the function, a tab, and what it calls. The relocation behind a call names that. A panic ends the
# loop that it is in, and is no call here.
calls() {
    "$disassemble" --disassemble --reloc --demangle --no-show-raw-insn "$1" 2>/dev/null |
        sed -E 's/::h[0-9a-f]{16}//g; s/ \(\.llvm\.[0-9]+\)//; s/\$LT\$/</g; s/\$GT\$/>/g; s/\$u20\$/ /g; s/\$u7b\$/{/g; s/\$u7d\$/}/g; s/([ <])_</\1</; s/\.\./::/g' |
        awk '
            function found(callee) {
                # A local function is named by its section.
                if (sub(/^\.text\._ZN/, "", callee)) { sub(/17h[0-9a-f]+E$/, "", callee); gsub(/[0-9]+/, "::", callee) }
                if (callee !~ /core::panicking|slice_index_fail|_fail(ed)?$|unwrap_failed/) print name "\t" callee
                call = ""
            }
            /^[0-9a-f]+ <.*>:$/ {
                sub(/^[0-9a-f]+ </, ""); sub(/>:$/, "")
                name = $0; call = ""
                kernel = name ~ /^<?ranstream::simd::(x86_64::|aarch64::|lz_portable::execute(::run(_long)?)?$)/
                if (kernel) print name
                next
            }
            !kernel { next }
            call != "" && /R_(X86_64|AARCH64)_/ { sub(/.*R_[A-Z0-9_]+[ \t]+/, ""); sub(/[-+]0x[0-9a-f]+$/, ""); found($0); next }
            call != "" { found(call) }
            $2 ~ /^(callq?|blr?)$/ { call = $0; sub(/.*(callq?|blr?)[ \t]+/, "", call) }
        '
}

check() {
    local target=$1 found kernel bad=0 count caller callee from to why reason
    local build=(cargo build --quiet --release --lib -p ranstream --no-default-features --features rayon)
    local folder=${CARGO_TARGET_DIR:-target}
    # Of this machine it is the library that the command is built with.
    if [ "$target" = "$host" ]; then
        "${build[@]}" || return 1
    else
        "${build[@]}" --target "$target" || return 1
        folder=$folder/$target
    fi
    found=$(calls "$folder/release/libranstream.rlib")
    for kernel in $(expected "$target"); do
        if ! grep -vP '\t' <<<"$found" | grep "simd::.*$kernel" >/dev/null; then
            printf '%s: no function of %s is in the library\n' "$target" "$kernel"
            bad=1
        fi
    done
    while IFS=$'\t' read -r count caller callee; do
        reason=
        while read -r from to why; do
            if [[ $caller =~ $from && $callee =~ $to && ! $caller =~ (_run|first_outside)$ ]]; then
                reason=$why
                needed["$from $to"]=1
                break
            fi
        done < <(allowed)
        if [ -n "$reason" ]; then
            printf 'allowed (%s): %s calls %s\n' "$reason" "$caller" "$callee"
        else
            printf 'a call, %s times: %s calls %s\n' "$count" "$caller" "$callee"
            bad=1
        fi
    done < <(grep -P '\t' <<<"$found" | sort | uniq -c | sed -E 's/^ *([0-9]+) /\1\t/')
    printf '%s: %s functions of kernels, %s\n' "$target" "$(grep -vcP '\t' <<<"$found")" \
        "$([ $bad = 0 ] && echo 'no calls but these' || echo 'with calls that must not be')"
    return $bad
}

disassemble=$(command -v llvm-objdump || command -v objdump || true)
if [ -z "$disassemble" ]; then
    printf 'skipped: neither llvm-objdump nor objdump is here\n'
    exit 0
fi
host=$(rustc -vV | sed -n 's/host: //p')
declare -A needed
targets=("$@")
[ $# -gt 0 ] || targets=("$host" aarch64-unknown-linux-musl)
status=0
for target in "${targets[@]}"; do
    if [ ! -d "$(rustc --print target-libdir --target "$target")" ]; then
        printf '%s: skipped, rustup target add %s\n' "$target" "$target"
    elif [ "${target%%-*}" != "${host%%-*}" ] && [[ $disassemble != *llvm-objdump ]]; then
        printf '%s: skipped, llvm-objdump is not here\n' "$target"
    else
        check "$target" || status=1
    fi
done
# To be looked at where all targets were checked.
while read -r from to why; do
    if [ -z "${needed["$from $to"]-}" ]; then printf 'allowed, but nothing needs it: %s %s (%s)\n' "$from" "$to" "$why"; fi
done < <(allowed)
exit $status
