#include "tests/faults/ledger.hpp"

#include <sstream>
#include <utility>

namespace leasehold::faults {

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in{line};
  std::vector<std::string> out;
  for (std::string word; in >> word;)
    out.push_back(word);
  return out;
}

void ledger::take(int victim, const std::string& line) {
  auto words = words_of(line);
  words.resize(std::max<size_t>(words.size(), 6));
  const auto& verb = words[0];
  const auto& lease = words[1];
  if (verb == "ask")
    return take_ask(words);
  if (verb == "refused" || verb == "unexecuted" || verb == "unended")
    ++errors_[verb + " " + words[verb == "unexecuted" ? 3 : 2]];
  if (verb != "granted" && !grants_.contains(lease))
    return;
  news_.insert(lease);
  if (verb == "granted") {
    grants_[lease] = {lease,
                      std::stoull(words[2]),
                      words[3] == "-" ? "" : words[3],
                      words[5],
                      victim,
                      {},
                      {},
                      false};
  } else if (verb == "executed") {
    auto what = running_.extract(words[2]);
    what.mapped().exit = words[3];
    executions_.push_back(std::move(what.mapped()));
  } else if (verb == "ended") {
    grants_[lease].ended = words[2];
    grants_[lease].in_doubt = false;
    ++cycles_;
  }
  if (verb == "granted" || verb == "executed" || verb == "ended")
    ++acknowledged_;
}

void ledger::take_ask(std::vector<std::string>& words) {
  if (words[1] == "execute")
    running_[words[3]] = {words[3], words[2], words[4], {}};
  if (words[1] != "end")
    return;
  auto& what = grants_[words[2]];
  what.asked.push_back(words[3]);
  what.in_doubt = true;
  news_.insert(words[2]);
}

std::set<std::string> ledger::take_news() {
  return std::exchange(news_, {});
}

std::vector<execution> ledger::take_executions() {
  return std::exchange(executions_, {});
}

} // namespace leasehold::faults
