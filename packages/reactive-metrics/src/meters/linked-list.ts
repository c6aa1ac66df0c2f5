/** A node that can sit in one {@link LinkedList}. */
export interface Linked<Node> {
  previous: Node | undefined;
  next: Node | undefined;
}

/**
 * Insertion-ordered, with O(1) append, remove and first. A Set has the same interface, but finding its first entry
 * walks over everything deleted before it, which is what a queue of tasks does all day.
 */
export class LinkedList<Node extends Linked<Node>> {
  first: Node | undefined;
  size = 0;
  private last: Node | undefined;

  /** Appends a node that is in no list. */
  append(node: Node): void {
    node.previous = this.last;
    if (this.last === undefined) this.first = node;
    else this.last.next = node;
    this.last = node;
    this.size += 1;
  }

  /** Removes a node that is in this list. */
  remove(node: Node): void {
    const { previous, next } = node;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.last = previous;
    else next.previous = previous;
    node.previous = undefined;
    node.next = undefined;
    this.size -= 1;
  }

  *[Symbol.iterator](): Iterator<Node> {
    for (let node = this.first; node !== undefined; node = node.next) yield node;
  }
}
