// leasehold-bench-pong: what a worker does at the least. Reads JSON lines from
// standard input, parses each, and answers it with the input of its command,
// as leasehold-bench-worker does. With a number of MiB, it writes as much
// output in lines of `execute.log` instead, and ends.

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <array>
#include <string>

namespace {

using nlohmann::json;

bool write_all(const std::string& text) {
  size_t sent = 0;
  while (sent < text.size()) {
    auto n = write(STDOUT_FILENO, text.data() + sent, text.size() - sent);
    if (n <= 0)
      return false;
    sent += static_cast<size_t>(n);
  }
  return true;
}

std::string answer(const std::string& line) {
  auto request = json::parse(line);
  const auto& params = request.at("params");
  json result{{"exitCode", 0},     {"signal", nullptr},
              {"timedOut", false}, {"stdout", params.at("stdin")},
              {"stderr", ""},      {"metadata", nullptr}};
  json out{{"jsonrpc", "2.0"},
           {"id", request.at("id")},
           {"result", std::move(result)}};
  return out.dump() + "\n";
}

int serve() {
  std::string held;
  std::array<char, 65536> bytes{};
  for (;;) {
    auto n = read(STDIN_FILENO, bytes.data(), bytes.size());
    if (n <= 0)
      return 0;
    held.append(bytes.data(), static_cast<size_t>(n));
    std::string out;
    size_t begin = 0;
    for (auto end = held.find('\n'); end != std::string::npos;
         end = held.find('\n', begin)) {
      out += answer(held.substr(begin, end - begin));
      begin = end + 1;
    }
    held.erase(0, begin);
    if (!write_all(out))
      return 1;
  }
}

int flood(size_t mib) {
  constexpr size_t chunk_size = 65'536;
  std::string chunk;
  while (chunk.size() < chunk_size)
    chunk
      += "a line of output such as compilers write, 64 characters long...\n";
  chunk.resize(chunk_size);
  for (size_t i = 0; i < mib * (1 << 20) / chunk_size; ++i) {
    json line{{"jsonrpc", "2.0"},
              {"method", "execute.log"},
              {"params", {{"stream", "stdout"}, {"chunk", chunk}}}};
    if (!write_all(line.dump() + "\n"))
      return 1;
  }
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  return argc > 1 ? flood(std::stoul(argv[1])) : serve();
}
