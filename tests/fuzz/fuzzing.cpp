// The door between libFuzzer and a target, and what the targets share.

#include "tests/fuzz/fuzzing.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>

namespace leasehold::fuzz {

namespace {

[[noreturn]] void refute(const char* kind, const char* words) {
  std::fprintf(stderr, "REFUTED: %s%s\n", kind, words);
  std::abort();
}

/// Bytes of the character that begins with `lead`, and the least it may mean.
struct form {
  size_t size = 0;
  uint32_t bits = 0;
  uint32_t least = 0;
};

form form_of(uint8_t lead) {
  if (lead < 0x80)
    return {1, lead, 0};
  if (lead >> 5 == 6)
    return {2, lead & 0x1fu, 0x80};
  if (lead >> 4 == 14)
    return {3, lead & 0x0fu, 0x800};
  if (lead >> 3 == 30)
    return {4, lead & 0x07u, 0x10000};
  return {};
}

} // namespace

void must(bool fact, const char* words) {
  if (!fact)
    refute("", words);
}

std::string_view take_line(std::string_view& input) {
  auto end = input.find('\n');
  auto line = input.substr(0, end);
  input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  return line;
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> out;
  while (!line.empty()) {
    auto end = line.find(' ');
    out.emplace_back(line.substr(0, end));
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
  return out;
}

std::vector<std::string_view> pieces_of(std::string_view stream,
                                        std::string_view cuts) {
  std::vector<std::string_view> out;
  for (size_t i = 0; !stream.empty(); ++i) {
    auto size = stream.size();
    if (!cuts.empty())
      size = static_cast<uint8_t>(cuts[i % cuts.size()]) % 64 + 1;
    out.push_back(stream.substr(0, size));
    stream.remove_prefix(out.back().size());
  }
  return out;
}

bool is_utf8(std::string_view text) {
  for (size_t pos = 0; pos < text.size();) {
    auto [size, code, least] = form_of(static_cast<uint8_t>(text[pos]));
    if (size == 0 || pos + size > text.size())
      return false;
    for (size_t i = 1; i < size; ++i) {
      auto next = static_cast<uint8_t>(text[pos + i]);
      if (next >> 6 != 2)
        return false;
      code = code << 6 | (next & 0x3fu);
    }
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
      return false;
    pos += size;
  }
  return true;
}

} // namespace leasehold::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace leasehold::fuzz;
  try {
    try_input({reinterpret_cast<const char*>(data), size});
  } catch (const std::exception& why) {
    refute("something was thrown across a seam: ", why.what());
  }
  return 0;
}
