// leasehold-rogue-worker MODE DIR [N]: a plugin worker that misbehaves the way
// MODE says. Written by hand on the standard streams, so that it can break what
// the worker kit keeps whole. Boxes are files in DIR/boxes; every call is noted
// as a line of DIR/calls.
//
//   normal        serves as it should
//   slow-start    answers `initialize` after N ms
//   never-ready   never answers `initialize`
//   init-fails    answers `initialize` with ok: false
//   chatty        prints garbage before and after every answer
//   twice         answers everything twice
//   unknown-ids   answers calls that nobody made, before every answer
//   deaf          ignores SIGTERM, `shutdown` and the end of its input
//   late-acquire  answers an acquire once somebody writes to the pipe DIR/go
//   no-list       cannot list its leases
//   no-destroy    destroys and releases nothing, and says so
//   no-object     answers an acquire with a text
//   nameless      answers an acquire without a providerLeaseId
//   mute-health   never answers `health`
//   echo-config   repeats the config's `apiKey` under another key
//   quote-config  refuses a config, quoting its `apiKey`
//
// Whatever the mode, `environmentExecute` runs nothing, but these commands:
//
//   echo ARGS...  prints its arguments, streamed as well
//   hang          ends when it is cancelled
//   die           exits in the middle of the call
//   long N        sends a line of N bytes instead of an answer
//   complain N    writes N lines to standard error first
//   mumble        answers with something that is no object
//   close         closes standard output and lives on

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <thread>

namespace {

using nlohmann::json;

namespace fs = std::filesystem;

class rogue {
public:
  rogue(std::string mode, fs::path dir, int number)
    : mode_{std::move(mode)}, dir_{std::move(dir)}, number_{number} {
    fs::create_directories(dir_ / "boxes");
    auto go = dir_ / "go";
    ::mkfifo(go.c_str(), 0600);
    go_ = ::open(go.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (mode_ == "deaf")
      ::signal(SIGTERM, SIG_IGN);
  }

  int run() {
    std::string input;
    for (;;) {
      pollfd ears[] = {{STDIN_FILENO, POLLIN, 0}, {go_, POLLIN, 0}};
      ::poll(ears, 2, -1);
      char bytes[65536];
      if (ears[1].revents != 0 && ::read(go_, bytes, sizeof bytes) > 0)
        answer_late();
      if (ears[0].revents == 0)
        continue;
      auto n = ::read(STDIN_FILENO, bytes, sizeof bytes);
      if (n <= 0)
        return at_end_of_input();
      input.append(bytes, static_cast<size_t>(n));
      for (size_t end = 0; (end = input.find('\n')) != std::string::npos;) {
        on_call(json::parse(input.substr(0, end)));
        input.erase(0, end + 1);
      }
    }
  }

private:
  int at_end_of_input() {
    while (mode_ == "deaf")
      ::pause();
    return 0;
  }

  // -- what it says -----------------------------------------------------------

  static void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
      auto n = ::write(fd, text.data(), text.size());
      if (n <= 0)
        return;
      text.remove_prefix(static_cast<size_t>(n));
    }
  }

  static void say(const json& what) {
    write_all(STDOUT_FILENO, what.dump() + "\n");
  }

  void answer(json what) {
    what["jsonrpc"] = "2.0";
    if (mode_ == "chatty")
      write_all(STDOUT_FILENO, "Starting up...\n\n{\"half\": \n\xff\xfe\n"
                               "[1, 2]\n{\"jsonrpc\": \"1.0\", \"id\": 1}\n");
    if (mode_ == "unknown-ids")
      for (const auto& id : {json(4'711), json("seven"), json(-1), json(1.5)})
        say({{"jsonrpc", "2.0"}, {"id", id}, {"result", json::object()}});
    say(what);
    if (mode_ == "chatty")
      write_all(STDOUT_FILENO, "done.\n");
    if (mode_ == "twice")
      say(what);
  }

  void reply(const json& id, const json& result) {
    answer({{"id", id}, {"result", result}});
  }

  void refuse(const json& id, int code, const char* why) {
    answer({{"id", id}, {"error", {{"code", code}, {"message", why}}}});
  }

  // -- what it is asked -------------------------------------------------------

  void on_call(const json& call) {
    auto method = call.value("method", "");
    auto params = call.value("params", json::object());
    const auto& id = call["id"];
    std::ofstream{dir_ / "calls", std::ios::app}
      << method << ' ' << params.value("providerLeaseId", json()).dump()
      << '\n';
    if (method == "initialize")
      initialize(id);
    else if (method == "health" && mode_ != "mute-health")
      reply(id, json::object());
    else if (method == "shutdown" && mode_ != "deaf")
      reply(id, nullptr);
    else if (method == "environmentAcquireLease")
      acquire(id, params);
    else if (method == "environmentExecute")
      execute(id, params, call["paperclipInvocation"]["id"]);
    else if (method == "environmentCancelExecute")
      cancel(id, params);
    else if (method == "environmentValidateConfig"
             && mode_.ends_with("-config"))
      validate(id, params["config"]);
    else if (method.starts_with("environment"))
      serve(id, method, params);
  }

  void initialize(const json& id) {
    if (mode_ == "never-ready")
      return;
    if (mode_ == "slow-start")
      std::this_thread::sleep_for(std::chrono::milliseconds{number_});
    if (mode_ == "init-fails")
      return reply(id, {{"ok", false}});
    json methods{"environmentAcquireLease",     "environmentResumeLease",
                 "environmentReleaseLease",     "environmentDestroyLease",
                 "environmentRealizeWorkspace", "environmentExecute",
                 "environmentCancelExecute"};
    if (mode_ != "no-list")
      methods.push_back("environmentListLeases");
    if (mode_.ends_with("-config"))
      methods.push_back("environmentValidateConfig");
    reply(id, {{"ok", true}, {"supportedMethods", methods}});
  }

  void validate(const json& id, json config) {
    auto key = config.value("apiKey", "");
    if (mode_ == "quote-config")
      return reply(id, {{"ok", false}, {"errors", {"No such key: " + key}}});
    config["echo"] = {"Bearer " + key};
    reply(id, {{"ok", true}, {"normalizedConfig", config}});
  }

  void acquire(const json& id, const json& params) {
    auto lease = params.value("leaseId", "");
    if (mode_ == "no-object")
      return reply(id, "sure");
    auto box = "rogue-" + lease.substr(0, 8);
    std::ofstream{dir_ / "boxes" / box} << lease;
    if (mode_ == "nameless")
      return reply(id, {{"metadata", json::object()}});
    json result{{"providerLeaseId", box}, {"metadata", json::object()}};
    if (mode_ != "late-acquire")
      return reply(id, result);
    late_[id] = result;
    // What nobody waits for yet is none of the engine's business.
    fs::remove(dir_ / "boxes" / box);
  }

  void answer_late() {
    for (const auto& [id, result] : std::exchange(late_, {})) {
      std::ofstream{dir_ / "boxes" / result.value("providerLeaseId", "")};
      reply(id, result);
    }
  }

  void serve(const json& id, const std::string& method, const json& params) {
    auto named = params.value("providerLeaseId", json());
    auto box = named.is_string() ? named.get<std::string>() : std::string{"-"};
    auto path = dir_ / "boxes" / box;
    if (method == "environmentResumeLease") {
      if (!fs::exists(path))
        named = nullptr;
      return reply(id, {{"providerLeaseId", named}});
    }
    if (method == "environmentListLeases" && mode_ != "no-list")
      return list(id);
    if (method == "environmentRealizeWorkspace")
      return reply(id, {{"cwd", "/rogue"}});
    auto keep
      = params.value("config", json::object()).value("reuseLease", false);
    auto release = method == "environmentReleaseLease";
    if (!release && method != "environmentDestroyLease")
      return refuse(id, -32601, "no such method");
    if (mode_ == "no-destroy")
      return refuse(id, -32000, "the box is stuck");
    if (!release || !keep)
      fs::remove(path);
    reply(id, json::object());
  }

  void list(const json& id) {
    auto leases = json::array();
    for (const auto& box : fs::directory_iterator{dir_ / "boxes"}) {
      std::ifstream file{box.path()};
      std::string lease{std::istreambuf_iterator<char>{file}, {}};
      leases.push_back({{"providerLeaseId", box.path().filename().string()},
                        {"leaseId", lease}});
    }
    reply(id, {{"leases", leases}});
  }

  // -- commands ---------------------------------------------------------------

  void execute(const json& id, const json& params, const json& invocation) {
    auto command = params.value("command", "");
    auto args = params.value("args", std::vector<std::string>{});
    auto count = args.empty() ? 0 : std::strtoull(args[0].c_str(), nullptr, 10);
    if (command == "hang") {
      running_[params.value("executionId", "")] = id;
      return log("running\n", invocation);
    }
    if (command == "die")
      ::_exit(3);
    if (command == "long")
      return send_long_line(id, count);
    if (command == "mumble")
      return reply(id, "something");
    if (command == "close") {
      ::close(STDOUT_FILENO);
      return;
    }
    for (auto i = count; command == "complain" && i > 0; --i)
      write_all(STDERR_FILENO, "complaint " + std::to_string(i) + "\n");
    std::string text;
    for (const auto& arg : args)
      text += arg + "\n";
    for (const auto& arg : args)
      log(arg + "\n", invocation);
    finish(id, text, false);
  }

  void finish(const json& id, const std::string& text, bool cancelled) {
    reply(id, {{"exitCode", cancelled ? json() : json(0)},
               {"timedOut", false},
               {"stdout", text},
               {"stderr", ""},
               {"metadata", {{"cancelled", cancelled}}}});
  }

  static void log(const std::string& text, const json& invocation) {
    say({{"jsonrpc", "2.0"},
         {"method", "execute.log"},
         {"paperclipInvocationId", invocation},
         {"params", {{"stream", "stdout"}, {"chunk", text}}}});
  }

  static void send_long_line(const json& id, size_t size) {
    write_all(STDOUT_FILENO, R"({"jsonrpc":"2.0","id":)" + id.dump()
                               + R"(,"result":{"stdout":")");
    const std::string piece(1u << 20, 'x');
    for (; size > piece.size(); size -= piece.size())
      write_all(STDOUT_FILENO, piece);
    write_all(STDOUT_FILENO, piece.substr(0, size) + "\"}}\n");
  }

  void cancel(const json& id, const json& params) {
    auto command = running_.extract(params.value("executionId", ""));
    reply(id, {{"cancelled", !command.empty()}});
    if (command)
      finish(command.mapped(), "running\n", true);
  }

  std::string mode_;
  fs::path dir_;
  int number_;
  int go_ = -1;
  std::map<json, json> late_;
  std::map<std::string, json> running_;
};

} // namespace

int main(int argc, char** argv) {
  if (argc < 3)
    return 2;
  return rogue{argv[1], argv[2], argc > 3 ? std::atoi(argv[3]) : 0}.run();
}
