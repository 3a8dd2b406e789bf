// What every part of the page shares.

export const MOST_PHONES = 3;
export const world = {
  people: new Map(), // key → contact with `last` and `unread`
  numbers: [], // business numbers: {id, display, name}
  phones: [], // open ones, left to right
  active: null, // the phone that was used last
  last: 0, // number of the newest log entry seen
  explain: "", // address that explains an answer, with {id}
  replay: null, // whether somebody replays conversations; null until that is known
};

export const phoneOf = (key) => world.phones.find((phone) => phone.key === key);
