#include "tests/faults/journal.hpp"

#include "tests/faults/ledger.hpp"

#include <fstream>
#include <sstream>

namespace leasehold::faults {

std::vector<std::string> journal::read() {
  std::ifstream in{path_, std::ios::binary};
  in.seekg(at_);
  std::ostringstream more;
  more << in.rdbuf();
  at_ += static_cast<std::streamoff>(more.str().size());
  rest_ += more.str();
  std::vector<std::string> wrong;
  size_t begin = 0;
  for (size_t end = 0; (end = rest_.find('\n', begin)) != std::string::npos;
       begin = end + 1)
    take(rest_.substr(begin, end - begin), wrong);
  rest_.erase(0, begin);
  return wrong;
}

void journal::take(const std::string& line, std::vector<std::string>& wrong) {
  auto words = words_of(line);
  if (words.empty())
    return;
  if (words[0] == "crowded")
    wrong.push_back("two leases have commands in one box: " + line);
  else if (words[0] == "did" && words.size() == 3) {
    ends_[words[1]] = words[2];
    if (words[1] == last_in_)
      last_pid_ = 0;
  } else if (words[0] == "in" && words.size() == 5) {
    last_in_ = words[1];
    last_pid_ = std::stoll(words[4]);
  } else if (words.size() == 4)
    take_box(words, wrong);
}

void journal::take_box(const std::vector<std::string>& words,
                       std::vector<std::string>& wrong) {
  const auto& verb = words[0];
  const auto& lease = words[2];
  auto fence = std::stoull(words[3]);
  auto complain = [&](const std::string& why) {
    wrong.push_back(why + ": " + verb + " " + words[1] + " " + lease + " "
                    + words[3]);
  };
  if (verb == "gone") {
    boxes_.erase(words[1]);
    return;
  }
  auto& room = boxes_[words[1]];
  auto takes = verb == "made" || verb == "resumed";
  if (fence < room.fence)
    complain("a call under a fence older than " + std::to_string(room.fence));
  if (takes && !room.holder.empty() && room.holder != lease)
    complain("a box has two holders, the first is " + room.holder);
  if (verb == "parked" && room.holder != lease)
    complain("a box is parked by a lease that does not hold it, but "
             + room.holder + " does");
  takeovers_ += verb == "resumed";
  room.holder = takes ? lease : "";
  room.fence = std::max<uint64_t>(room.fence, fence);
}

std::string journal::end_of(const std::string& command) const {
  auto pos = ends_.find(command);
  return pos == ends_.end() ? std::string{} : pos->second;
}

} // namespace leasehold::faults
