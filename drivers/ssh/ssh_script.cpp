#include "drivers/ssh/ssh_script.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace leasehold::ssh {

namespace {

/// Input up to this length travels in the header, and touches no disk.
constexpr size_t inline_input_max = 4'096;

/// Loads what a login would have set (PB §3.4). `command` keeps a file that a
/// POSIX shell cannot parse from ending the script.
constexpr std::string_view read_profile = R"sh(
_lh_try() {
  [ -r "$1" ] || return 1
  command . "$1" </dev/null >/dev/null 2>&1
  return 0
}
if [ -n "$HOME" ]; then
  _lh_try /etc/profile
  _lh_try "$HOME/.profile"
  _lh_try "$HOME/.bash_profile" || _lh_try "$HOME/.bashrc"
  _lh_try "$HOME/.zprofile"
fi
set +a +e +f +u
unset IFS
)sh";

/// Keeps the tools at hand, whatever PATH the command is given. setsid gives
/// the command a process group of its own, or else Perl does. awk's system()
/// tells an exit code from a signal, which a shell's $? does not.
constexpr std::string_view find_tools = R"sh(
PATH="${PATH:-/usr/bin:/bin}"
_lh_cat=$(command -v cat)
_lh_sleep=$(command -v sleep)
_lh_awk=$(command -v awk)
_lh_group=-
if _lh_tool=$(command -v setsid); then
  _lh_run="exec '$_lh_tool' $_lh_run"
elif _lh_tool=$(command -v perl); then
  _lh_run="exec '$_lh_tool' -MPOSIX -e 'setsid(); exec @ARGV' $_lh_run"
else
  _lh_group=
  _lh_run="exec $_lh_run"
fi
_lh_count='BEGIN {
  s = system(ARGV[1])
  if (s != int(s)) s = 256 + (s * 256) % 128
  while (s >= 512) s -= 256
  print "end", s
}'
)sh";

/// The left side of the pipe tells the right side by lines: who watches the
/// input, the command's process group, that the input has ended, that the grace
/// period is over, and how the command ended.
constexpr std::string_view run_and_watch = R"sh(
_lh_left() {
  (
    "$_lh_cat" <&3 >/dev/null
    echo lost >&5
    "$_lh_sleep" "$_lh_grace"
    echo late >&5
  ) </dev/null >/dev/null 2>&1 4<&- 6>&- &
  echo "watch $!" >&5
  (
    exec 3<&- <&4 4<&-
    _lh_setup
    if [ -n "$_lh_awk" ]; then
      "$_lh_awk" "$_lh_count" "$_lh_run" >&5
    else
      /bin/sh -c "$_lh_run"
      echo "end $?" >&5
    fi
  )
  echo over >&5
}
_lh_right() {
  _lh_leader= _lh_lost= _lh_end=
  while read -r _lh_what _lh_word; do
    case $_lh_what in
      watch) _lh_watch=$_lh_word ;;
      group) _lh_leader=$_lh_group$_lh_word; _lh_kill "$_lh_lost" ;;
      lost) _lh_lost=TERM; _lh_kill TERM ;;
      late) _lh_lost=KILL; _lh_kill KILL ;;
      end) _lh_end=$_lh_word; break ;;
      over) break ;;
    esac
  done
  _lh_kill KILL
  [ -z "$_lh_lost" ] || _lh_sweep
  kill -s KILL "$_lh_watch"
}
_lh_kill() {
  [ -z "$_lh_leader" ] || [ -z "$1" ] || kill -s "$1" -- "$_lh_leader"
}
_lh_sweep() {
  for _lh_file in $(grep -ls "$_lh_mine" /proc/[0-9]*/environ); do
    _lh_file=${_lh_file#/proc/}
    kill -s KILL "${_lh_file%/environ}"
  done
}
_lh_report() {
  if [ -z "$_lh_end" ]; then
    [ -n "$_lh_leader" ] || printf "$_lh_mark" not-run
  elif [ "$_lh_end" -ge 256 ]; then
    printf "$_lh_mark" "signal $(kill -l $((_lh_end - 256)))"
  else
    printf "$_lh_mark" "exit $_lh_end"
  fi
}
_lh_main() {
  { _lh_left 5>&1 >&6; } | {
    exec 3<&- 4<&- 6>&-
    { _lh_right; } >/dev/null 2>&1
    _lh_report >&2
  }
}
)sh";

/// Keeps a long input in a file that has no name any more when the command
/// starts: whoever waits for a command to read could not see the input end.
constexpr std::string_view spool_input = R"sh(
_lh_file=${TMPDIR:-/tmp}/.leasehold-$_lh_nonce
( umask 077; set -C; head -c "$_lh_size" <&3 >"$_lh_file" )
exec 4<"$_lh_file"
_lh_got=$(wc -c <"$_lh_file")
rm -f "$_lh_file"
if [ "$_lh_got" -ne "$_lh_size" ]; then
  printf "$_lh_mark" not-run >&2
  exit 1
fi
_lh_main
)sh";

/// The bytes as the format of a shell's printf.
std::string as_format(std::string_view bytes) {
  std::string out;
  for (auto c : bytes) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ' ') {
      out += c;
      continue;
    }
    auto code = static_cast<unsigned char>(c);
    out += '\\';
    for (auto shift : {6, 3, 0})
      out += static_cast<char>('0' + ((code >> shift) & 7));
  }
  return out;
}

/// One marked line per line of the script, and one that ends it.
std::string as_lines(std::string_view script) {
  std::string out;
  while (!script.empty()) {
    auto end = std::min(script.find('\n'), script.size());
    out.append("+").append(script.substr(0, end)).append("\n");
    script.remove_prefix(std::min(end + 1, script.size()));
  }
  return out + ".\n";
}

/// `signal` in front of its name, as the remote shell knows it.
std::string name_of_signal(std::string_view name) {
  auto is_number = !name.empty() && name[0] >= '0' && name[0] <= '9';
  return (is_number ? "signal " : "SIG") + std::string{name};
}

} // namespace

std::string shell_word(std::string_view text) {
  std::string out{"'"};
  for (auto c : text)
    out += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return out + "'";
}

std::string ready_mark(const std::string& nonce) {
  return "\001leasehold:" + nonce + ":ready\n";
}

std::string end_mark(const std::string& nonce) {
  return "\001leasehold:" + nonce + ":end ";
}

// No single quote, exclamation mark or line break: C shells and fish read this,
// too.
std::string bootstrap(const std::string& nonce) {
  return "exec /bin/sh -c 'm=\"\\001leasehold:" + nonce
         + ":ready\"; printf \"$m\\n\"; printf \"$m\\n\" >&2; "
           "n=$(printf \"\\nx\"); n=\"${n%x}\"; s=; "
           "while IFS= read -r l; do case \"$l\" in "
           ".) eval \"$s\"; exit;; +*) s=\"$s${l#+}$n\";; esac; done; exit 1'";
}

std::string header(const remote_job& job, const std::string& nonce) {
  std::string script{"exec 3<&0 </dev/null 6>&1\n"};
  script += "_lh_nonce=" + nonce + "\n";
  script += "_lh_mark='\\001leasehold:" + nonce + ":end %s\\n'\n";
  script += "_lh_mine=LEASEHOLD_COMMAND=" + nonce + "\n";
  auto seconds = (job.grace + milliseconds{999}) / std::chrono::seconds{1};
  script += "_lh_grace=" + std::to_string(seconds) + "\n";
  script += "_lh_size=" + std::to_string(job.stdin_text.size()) + "\n";
  if (job.with_profile)
    script += read_profile;
  std::string run = "/bin/sh -c 'echo \"group $$\" >&5; exec >&6 5>&- 6>&-; "
                    "exec \"$@\"' sh "
                    + shell_word(job.command);
  for (const auto& arg : job.args)
    run += " " + shell_word(arg);
  script += "_lh_run=" + shell_word(run) + "\n";
  script += find_tools;
  script += "_lh_setup() {\nexport LEASEHOLD_COMMAND=" + nonce + "\n";
  for (const auto& [name, value] : job.env)
    script += "export " + name + "=" + shell_word(value) + "\n";
  script += "}\n";
  if (!job.cwd.empty())
    script += "cd " + shell_word(job.cwd)
              + " 2>/dev/null || { printf \"$_lh_mark\" no-folder >&2; exit; "
                "}\n";
  script += run_and_watch;
  const auto& input = job.stdin_text;
  if (input.empty())
    return as_lines(script + "exec 4</dev/null\n_lh_main\n");
  if (input.size() > inline_input_max)
    return as_lines(script + std::string{spool_input}) + input;
  return as_lines(script + "printf '" + as_format(input)
                  + "' | { exec 4<&0 </dev/null; _lh_main; }\n");
}

std::optional<remote_end> parse_end(std::string_view text) {
  using kind = remote_end::kind;
  if (text == "no-folder")
    return remote_end{kind::no_folder};
  if (text == "not-run")
    return remote_end{kind::not_run};
  auto space = text.find(' ');
  if (space == std::string_view::npos || space + 1 == text.size())
    return std::nullopt;
  auto word = text.substr(space + 1);
  if (text.substr(0, space) == "signal")
    return remote_end{kind::signalled, 0, name_of_signal(word)};
  auto code = 0;
  auto [end, error]
    = std::from_chars(word.data(), word.data() + word.size(), code);
  if (text.substr(0, space) != "exit" || error != std::errc{}
      || end != word.data() + word.size() || code < 0 || code > 255)
    return std::nullopt;
  return remote_end{kind::exited, code};
}

} // namespace leasehold::ssh
