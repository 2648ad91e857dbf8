#include "drivers/ssh/ssh_arguments.hpp"

#include <array>

namespace leasehold::ssh {

namespace {

/// Adds `-o` for each option.
void add_options(std::vector<std::string>& to,
                 std::initializer_list<std::string> options) {
  for (const auto& option : options) {
    to.emplace_back("-o");
    to.push_back(option);
  }
}

/// What the two kinds have in common. A user's own config may say otherwise
/// about each of these, and must not here.
std::vector<std::string> begin(const std::vector<std::string>& first) {
  std::vector<std::string> out{"ssh"};
  out.insert(out.end(), first.begin(), first.end());
  out.emplace_back("-T");
  add_options(out, {"LogLevel=ERROR", "RemoteCommand=none", "ForwardAgent=no",
                    "ForwardX11=no", "ClearAllForwardings=yes", "Tunnel=no",
                    "EscapeChar=none", "ControlPersist=no"});
  return out;
}

void add_target(std::vector<std::string>& to, const settings& config) {
  to.insert(to.end(), {"-p", std::to_string(config.port), "--",
                       config.username + "@" + config.host});
}

} // namespace

std::vector<std::string>
master_arguments(const settings& config, const connection_files& files,
                 const std::vector<std::string>& first) {
  auto out = begin(first);
  out.insert(out.end(), {"-N", "-n"});
  // The client runs the local command after it has logged in and listens on
  // the socket.
  add_options(
    out, {"ControlMaster=yes", "ControlPath=" + files.socket, "BatchMode=yes",
          "ConnectTimeout=10", "ConnectionAttempts=1", "ServerAliveInterval=15",
          "ServerAliveCountMax=3", "UpdateHostKeys=no",
          "PermitLocalCommand=yes", "LocalCommand=echo leasehold-connected"});
  if (!config.strict_host_keys)
    add_options(out,
                {"StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"});
  else
    add_options(out, {"StrictHostKeyChecking=yes"});
  if (config.strict_host_keys && !files.known_hosts.empty())
    add_options(out, {"UserKnownHostsFile=" + files.known_hosts});
  if (!files.key.empty()) {
    add_options(out, {"IdentitiesOnly=yes"});
    out.insert(out.end(), {"-i", files.key});
  }
  add_target(out, config);
  return out;
}

std::vector<std::string>
session_arguments(const settings& config, const std::string& socket,
                  const std::vector<std::string>& first) {
  auto out = begin(first);
  // Without the socket the client would log in anew, without the key and all
  // that was checked; the proxy command keeps it from that.
  add_options(out,
              {"ControlMaster=no", "ControlPath=" + socket, "BatchMode=yes",
               "ProxyCommand=false", "PermitLocalCommand=no"});
  add_target(out, config);
  return out;
}

std::string reason_in(std::string_view client_words) {
  struct row {
    std::string_view words;
    std::string_view reason;
  };
  constexpr std::string_view unreachable = "the host cannot be reached";
  constexpr auto rows = std::to_array<row>(
    {{"Host key verification failed",
      "the host's key is not known, or is not the one that is known"},
     {"invalid format", "the private key cannot be read"},
     {"error in libcrypto", "the private key cannot be read"},
     {"Permission denied", "the host refused the login"},
     {"Too many authentication failures", "the host refused the login"},
     {"Could not resolve", unreachable},
     {"Connection refused", unreachable},
     {"Connection timed out", unreachable},
     {"No route to host", unreachable},
     {"Network is unreachable", unreachable}});
  for (const auto& row : rows)
    if (client_words.find(row.words) != std::string_view::npos)
      return std::string{row.reason};
  return "the connection could not be made";
}

} // namespace leasehold::ssh
