#pragma once

// How the system's SSH client is called.

#include "drivers/ssh/ssh_config.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace leasehold::ssh {

/// What the client says on its output once it is logged in.
inline constexpr std::string_view connected_mark = "leasehold-connected\n";

/// The files of one connection. Empty: there is none.
struct connection_files {
  std::string socket;
  std::string key;
  std::string known_hosts;
};

/// Program and arguments of a connection that others share. No secret is in
/// them. `first` are arguments that come before all others.
std::vector<std::string>
master_arguments(const settings& config, const connection_files& files,
                 const std::vector<std::string>& first);

/// Program and arguments of one command over the connection behind `socket`;
/// the client fails if there is none. What to run comes after them.
std::vector<std::string>
session_arguments(const settings& config, const std::string& socket,
                  const std::vector<std::string>& first);

/// Why a connection failed, for people: the client has one exit code for all
/// of it and says the rest in words.
std::string reason_in(std::string_view client_words);

} // namespace leasehold::ssh
