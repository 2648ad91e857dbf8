// What every actor includes, parsed once; see json.hpp beside it.

#pragma once

#include "messages/protocols.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <variant>
