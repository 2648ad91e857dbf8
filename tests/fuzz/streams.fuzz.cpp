// What cuts and mends byte streams: lines, UTF-8, marks of remote commands.
// Input: a line that decides how the stream arrives, then the stream. The
// outcome never depends on how it arrives.

#include "drivers/line_splitter.hpp"
#include "drivers/output_buffer.hpp"
#include "drivers/ssh/marked_stream.hpp"
#include "drivers/utf8.hpp"
#include "tests/fuzz/fuzzing.hpp"

#include <optional>

namespace leasehold::fuzz {

namespace {

using pieces = std::vector<std::string_view>;

constexpr size_t line_max = 40;

/// What a splitter told, in words.
std::vector<std::string> split(const pieces& stream, size_t max) {
  std::vector<std::string> told;
  line_splitter splitter{
    max, [&](std::string line) { told.push_back("line " + line); },
    [&](const overlong_line& line) {
      must(line.size > max, "only what is too long is called so");
      must(line.head.size() <= line_splitter::excerpt
             && line.tail.size() <= line_splitter::excerpt,
           "of a line that is too long, little is kept");
      told.push_back("overlong " + std::to_string(line.size) + line.head + "|"
                     + line.tail);
    }};
  for (auto piece : stream)
    splitter.feed(piece);
  return told;
}

/// The lines of a stream, found in the plainest way.
std::vector<std::string> plainly_split(std::string_view stream) {
  std::vector<std::string> out;
  for (auto end = stream.find('\n'); end != std::string_view::npos;
       end = stream.find('\n')) {
    auto line = stream.substr(0, end);
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos)
      out.push_back("line " + std::string{line});
    stream.remove_prefix(end + 1);
  }
  return out;
}

void check_lines(std::string_view stream, const pieces& cut) {
  must(split(cut, line_max) == split({stream}, line_max),
       "lines do not depend on how a stream arrives");
  must(split(cut, stream.size()) == plainly_split(stream),
       "a stream is cut at its line ends");
}

void check_utf8(std::string_view stream, const pieces& cut) {
  auto whole = to_utf8(stream);
  must(is_utf8(whole), "what comes out is UTF-8");
  must(!is_utf8(stream) || whole == stream, "UTF-8 stays as it is");
  must(to_utf8(whole) == whole, "mending twice mends no more");
  utf8_stream mender;
  std::string text;
  for (auto piece : cut) {
    auto sure = mender.feed(piece);
    must(is_utf8(sure), "every piece is UTF-8");
    text += sure;
  }
  text += mender.finish();
  must(text == whole, "text does not depend on how it arrives");
  auto end = without_cut_end(std::string_view{whole}.substr(0, line_max));
  must(is_utf8(std::string_view{whole}.substr(0, end)),
       "what is left of a cut text is text");
}

void check_buffer(std::string_view stream, const pieces& cut) {
  output_buffer kept{line_max};
  utf8_stream mender;
  for (auto piece : cut)
    kept.append(mender.feed(piece));
  kept.append(mender.finish());
  auto whole = to_utf8(stream);
  must(is_utf8(kept.text()), "what is kept is text");
  must(kept.text().size() <= line_max + 64, "no more is kept than may be");
  must(whole.size() > line_max || kept.text() == whole,
       "a short output is kept whole");
}

struct heard {
  std::string text;
  bool begun = false;
  std::optional<std::string> ending;

  friend bool operator==(const heard&, const heard&) = default;
};

heard listen(const pieces& stream) {
  ssh::marked_stream remote{"\001begin\n", "\001end "};
  heard out;
  for (auto piece : stream)
    out.text += remote.feed(piece);
  out.text += remote.finish();
  out.begun = remote.begun();
  out.ending = remote.ending();
  must(remote.noise().size() <= 8192, "of the noise, little is kept");
  return out;
}

} // namespace

void try_input(std::string_view input) {
  auto cuts = take_line(input);
  auto cut = pieces_of(input, cuts);
  check_lines(input, cut);
  check_utf8(input, cut);
  check_buffer(input, cut);
  must(listen(cut) == listen({input}),
       "what a remote command printed does not depend on how it arrives");
  (void)utf16_length(input);
  must(cut_begin(input) <= input.size(), "a cut is inside the text");
}

} // namespace leasehold::fuzz
